/** Longer words are not compared, which would take time: no known name is nearly this long. */
const LONGEST = 64;

/**
 * Finds the known name that was probably meant. Case, `_` and `-` do not count. Up to two letters may be missing, added,
 * changed or swapped: one in a name of three to five letters, none in a shorter name.
 * @param most how many letters may be wrong in a long name
 * @returns the nearest name, the first of several; undefined if none is near
 */
export function didYouMean(word: string, known: Iterable<string>, most = 2): string | undefined {
  if (word.length > LONGEST) return undefined;
  const letters = bare(word);
  let nearest: string | undefined;
  let least = Number.POSITIVE_INFINITY;
  for (const name of known) {
    const other = bare(name);
    const allowed = Math.min(most, Math.floor(Math.max(letters.length, other.length) / 3));
    if (Math.abs(letters.length - other.length) > allowed) continue;
    const distance = editDistance(letters, other);
    if (distance > allowed || distance >= least) continue;
    nearest = name;
    least = distance;
  }
  return nearest;
}

function bare(name: string): string {
  return name.toLowerCase().replace(/[_-]/g, '');
}

/** Number of letters to add, remove, change or swap with their neighbour (optimal string alignment distance). */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= b.length; column += 1) {
      const same = a[row - 1] === b[column - 1];
      const swapped = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
      const costs = [
        at(last, column) + 1,
        at(current, column - 1) + 1,
        at(last, column - 1) + (same ? 0 : 1),
        swapped ? at(beforeLast, column - 2) + 1 : Number.POSITIVE_INFINITY,
      ];
      current.push(Math.min(...costs));
    }
    beforeLast = last;
    last = current;
  }
  return at(last, b.length);
}

function at(row: number[], column: number): number {
  return row[column] ?? Number.POSITIVE_INFINITY;
}
