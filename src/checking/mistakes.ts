import { Type } from 'typebox';
import { Compile, type Validator } from 'typebox/compile';
import type { FieldError } from '../../schemas/problem.ts';
import { fieldErrors, requirement } from './field-errors.ts';
import type { Shape } from './shape.ts';

/** A list with more items than this is searched item by item. */
const LONG = 100;

/**
 * Finds what is wrong with a value. A checker of TypeBox goes through every list to its end, even after many errors, and
 * needs a second for a million items. Here the search in a long list stops after the first wrong items, and the items
 * of a list that is too long are not looked at.
 * @param pointer JSON pointer to the value
 * @param most most mistakes that are named for one list
 */
export function findMistakes(shape: Shape, value: unknown, pointer: string, most: number): FieldError[] {
  const inLists: FieldError[] = [];
  const short = shortened(shape, value, pointer, (list, items, at) => {
    inLists.push(...mistakesOf(list, items, at, most).take(most));
  });
  return [...fieldErrors(checkerOf(shape).Errors(short), pointer), ...inLists];
}

/** Copies a value, with only the first items of each long list. `onLong` is called for each of these lists. */
function shortened(
  shape: Shape,
  value: unknown,
  pointer: string,
  onLong: (list: Shape, items: unknown[], pointer: string) => void,
): unknown {
  if (value === null || typeof value !== 'object') return value;
  if (Array.isArray(value)) {
    const list = [shape, ...(shape.anyOf ?? [])].find(({ items }) => items);
    const { items } = list ?? {};
    if (!list || !items) return value;
    if (value.length > LONG) onLong(list, value, pointer);
    return value.slice(0, LONG).map((item, index) => shortened(items, item, `${pointer}/${index}`, onLong));
  }
  const { properties = {} } = shape;
  const members = Object.entries(value).map(([name, member]) => {
    const known = Object.hasOwn(properties, name) ? properties[name] : undefined;
    return [name, known ? shortened(known, member, `${pointer}/${name}`, onLong) : member];
  });
  return Object.fromEntries(members);
}

/** Finds what is wrong with the length of a list, or with those of its items that `shortened` leaves out. */
function* mistakesOf({ items = {}, maxItems }: Shape, list: unknown[], pointer: string, most: number) {
  if (maxItems !== undefined && list.length > maxItems) {
    const where = { schemaPath: '', instancePath: '', message: '' };
    yield { pointer, detail: requirement({ keyword: 'maxItems', params: { limit: maxItems }, ...where }) };
    return;
  }
  const checker = checkerOf(items);
  for (const [index, item] of list.entries())
    if (index >= LONG && !checker.Check(item)) yield* findMistakes(items, item, `${pointer}/${index}`, most);
}

const checkers = new WeakMap<Shape, Validator>();

function checkerOf(shape: Shape): Validator {
  const checker = checkers.get(shape) ?? Compile(Type.Unsafe(shape));
  checkers.set(shape, checker);
  return checker;
}
