/** Stands for anything in an expected output. */
const GAP = '…';

/**
 * Compares what a program printed with what a page says that it prints.
 * @returns what differs, undefined when nothing does
 */
export function difference(lang: string, expected: string, actual: string): string | undefined {
  if (lang === 'text') return textDifference(expected, actual);
  try {
    if (lang === 'jsonl') return linesDifference(expected, actual);
    return jsonDifference(JSON.parse(completeJson(expected)), JSON.parse(actual));
  } catch (error) {
    return `not JSON: ${(error as Error).message}`;
  }
}

/** Numbers are near; `…` is any text of a line, or any lines where it is a line of its own. */
function textDifference(expected: string, actual: string): string | undefined {
  const [wanted, printed] = [linesOf(expected), linesOf(actual)];
  if (matchAll(wanted, printed, matchLine, (line) => line.trim() === GAP)) return undefined;
  const line = wanted.find((line) => line.trim() !== GAP && !printed.some((other) => matchLine(line, other)));
  return line === undefined ? 'the lines differ in number or order' : `no line is: ${line}`;
}

function linesDifference(expected: string, actual: string): string | undefined {
  const isGap = (line: string) => line.trim() === GAP;
  const [wanted, printed] = [linesOf(expected).filter(Boolean), linesOf(actual).filter(Boolean)];
  const matches = (line: string, other: string) =>
    jsonDifference(JSON.parse(completeJson(line)), JSON.parse(other)) === undefined;
  return matchAll(wanted, printed, matches, isGap) ? undefined : 'the lines differ';
}

const linesOf = (text: string) => text.trimEnd().split(/ *\r?\n/);

/** Whether two lists match, element by element; a gap matches any number of elements. */
function matchAll<E, A>(
  expected: readonly E[],
  actual: readonly A[],
  matches: (one: E, other: A) => boolean,
  isGap: (one: E) => boolean,
): boolean {
  return reaches(expected, actual.length, isGap, (one, at) =>
    at < actual.length && matches(one, actual[at] as A) ? at + 1 : undefined,
  );
}

/**
 * Whether the parts match everything up to `end`. It keeps all places that the parts so far can end at, so its time does not
 * grow exponentially with the number of gaps.
 * @param next the place after a part that starts at `at`, undefined if it does not match there
 */
function reaches<E>(
  parts: readonly E[],
  end: number,
  isGap: (part: E) => boolean,
  next: (part: E, at: number) => number | undefined,
): boolean {
  let places = new Set([0]);
  for (const part of parts) {
    const from = Math.min(...places);
    if (isGap(part)) places = new Set(Array.from({ length: Math.max(0, end - from + 1) }, (_, i) => from + i));
    else places = new Set([...places].map((at) => next(part, at)).filter((at) => at !== undefined));
    if (places.size === 0) return false;
  }
  return places.has(end);
}

const NUMBER = /-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const PIECES = /…|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|\s+|[^…\d\s-]+|-/g;

function matchLine(expected: string, actual: string): boolean {
  const pieces: string[] = expected.match(PIECES) ?? [];
  return reaches(
    pieces,
    actual.length,
    (piece) => piece === GAP,
    (piece, at) => endOf(piece, actual, at),
  );
}

/** @returns where a piece ends that starts at this place of a text, undefined if it is not there */
function endOf(piece: string, text: string, at: number): number | undefined {
  if (/\s/.test(piece)) {
    const blanks = /^\s+/.exec(text.slice(at))?.[0].length;
    return blanks && at + blanks;
  }
  if (/\d/.test(piece)) {
    NUMBER.lastIndex = at;
    const number = NUMBER.exec(text)?.[0];
    return number !== undefined && isNear(piece, number) ? at + number.length : undefined;
  }
  return text.startsWith(piece, at) ? at + piece.length : undefined;
}

/** Integers are equal; other numbers are within 1e-3 or equal to about four significant digits. */
function isNear(expected: string, actual: string): boolean {
  if (/^-?\d+$/.test(expected) && /^-?\d+$/.test(actual)) return expected === actual;
  return areNear(Number(expected), Number(actual));
}

const areNear = (one: number, other: number) => Math.abs(one - other) <= Math.max(1e-3, 5e-4 * Math.abs(one));

/**
 * Compares JSON values. `"…"` is any value, any elements of an array, or (as a name) any further members of an object.
 * @param path a JSON pointer to the value
 */
function jsonDifference(expected: unknown, actual: unknown, path = ''): string | undefined {
  const differs = `${path || 'the value'} is ${JSON.stringify(actual)}`;
  if (expected === GAP) return undefined;
  if (typeof expected === 'string')
    return typeof actual === 'string' && matchGaps(expected.split(GAP), actual) ? undefined : differs;
  if (typeof expected === 'number') {
    const bothIntegers = Number.isInteger(expected) && Number.isInteger(actual);
    return typeof actual === 'number' && (bothIntegers ? expected === actual : areNear(expected, actual))
      ? undefined
      : differs;
  }
  if (Array.isArray(expected)) {
    if (!Array.isArray(actual)) return differs;
    const same = (one: unknown, other: unknown) => jsonDifference(one, other) === undefined;
    if (matchAll(expected, actual, same, (one) => one === GAP)) return undefined;
    const places = expected.includes(GAP)
      ? []
      : expected.map((one, i) => jsonDifference(one, actual[i], `${path}/${i}`));
    return places.find((place) => place !== undefined) ?? `${path || 'the array'} differs: ${JSON.stringify(actual)}`;
  }
  if (expected === null || typeof expected !== 'object') return expected === actual ? undefined : differs;
  if (actual === null || typeof actual !== 'object' || Array.isArray(actual)) return differs;
  return membersDifference(expected as Members, actual as Members, path);
}

type Members = Record<string, unknown>;

function membersDifference(expected: Members, actual: Members, path: string): string | undefined {
  for (const [name, value] of Object.entries(expected)) {
    if (name === GAP) continue;
    if (!(name in actual)) return `${path}/${name} is not there`;
    const differs = jsonDifference(value, actual[name], `${path}/${name}`);
    if (differs) return differs;
  }
  if (GAP in expected) return undefined;
  const extra = Object.keys(actual).find((name) => !(name in expected));
  return extra && `${path}/${extra} is there too: ${JSON.stringify(actual[extra])}`;
}

/** Whether a text has these parts in this order, with anything between them. */
function matchGaps([first = '', ...others]: string[], text: string): boolean {
  const last = others.pop();
  if (last === undefined) return text === first;
  if (!text.startsWith(first)) return false;
  let at = first.length;
  for (const part of others) {
    const found = text.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return text.length - last.length >= at && text.endsWith(last);
}

/** Makes a bare `…` valid JSON: an element or a value becomes `"…"`, a member `"…": "…"`. */
export function completeJson(text: string): string {
  const open: string[] = [];
  let last = '';
  return text.replace(/"(?:\\.|[^"\\])*"|…|[[\]{},:]/g, (token) => {
    const isMember = open.at(-1) === '{' && last !== ':';
    if (token === '{' || token === '[') open.push(token);
    if (token === '}' || token === ']') open.pop();
    last = token;
    if (token !== GAP) return token;
    return isMember ? `"${GAP}": "${GAP}"` : `"${GAP}"`;
  });
}
