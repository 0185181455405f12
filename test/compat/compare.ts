/**
 * Compares two JSON documents.
 * @param tolerance largest difference between two numbers, as a share of the number or of 1, whichever is larger
 * @returns one line for each difference, with the JSON pointer of the member
 */
export function differences(found: unknown, expected: unknown, tolerance: number, pointer = ''): string[] {
  if (typeof found === 'number' && typeof expected === 'number') {
    const distance = Math.abs(found - expected);
    return distance <= tolerance * Math.max(1, Math.abs(expected)) ? [] : [unlike(pointer, found, expected)];
  }
  if (!isObject(found) || !isObject(expected) || Array.isArray(found) !== Array.isArray(expected))
    return found === expected ? [] : [unlike(pointer, found, expected)];
  const inBoth = Object.keys(expected).filter((name) => Object.hasOwn(found, name));
  const order = Object.keys(found).filter((name) => Object.hasOwn(expected, name));
  return [
    ...Object.keys(expected)
      .filter((name) => !Object.hasOwn(found, name))
      .map((name) => `${pointer}/${escaped(name)} is missing`),
    ...Object.keys(found)
      .filter((name) => !Object.hasOwn(expected, name))
      .map((name) => `${pointer}/${escaped(name)} is new: ${shown(found[name])}`),
    ...(order.join() === inBoth.join() ? [] : [`${pointer} has its members in another order: ${order.join(', ')}`]),
    ...inBoth.flatMap((name) => differences(found[name], expected[name], tolerance, `${pointer}/${escaped(name)}`)),
  ];
}

function isObject(value: unknown): value is Record<string, unknown> {
  return value !== null && typeof value === 'object';
}

const escaped = (name: string) => name.replaceAll('~', '~0').replaceAll('/', '~1');

const unlike = (pointer: string, found: unknown, expected: unknown) =>
  `${pointer} is ${shown(found)}, was ${shown(expected)}`;

const shown = (value: unknown) => JSON.stringify(value).slice(0, 300);
