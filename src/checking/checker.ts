import type { Static, TSchema } from 'typebox';
import { Compile } from 'typebox/compile';
import type { FieldError } from '../../schemas/problem.ts';
import { didYouMean } from './did-you-mean.ts';
import { invalidRequest, MOST_NAMED } from './field-errors.ts';
import { findMistakes } from './mistakes.ts';
import type { Shape } from './shape.ts';

/** Most characters of an unknown name that are repeated in a pointer. */
const NAME_LETTERS = 64;

/** Names that members had before version 0.2. They are refused with the new name, even in objects that accept further members. */
const FORMER_NAMES: Record<string, string> = { last: 'final_prefixes' };

/**
 * Creates a checker for a schema. It reports unknown members first, each with the name that was probably meant.
 * @returns a function that returns the value if it is valid, and throws ProblemError invalid-request otherwise; `pointer` is
 *   the JSON pointer to the value in the request
 */
export function createChecker<Schema extends TSchema>(schema: Schema) {
  const compiled = Compile(schema);
  return (value: unknown, pointer: string): Static<Schema> => {
    const unknown = unknownMembers(schema, value, pointer).take(MOST_NAMED).toArray();
    if (unknown.length === 0 && compiled.Check(value)) return value;
    const others = unknown.length < MOST_NAMED ? findMistakes(schema, value, pointer, MOST_NAMED) : [];
    throw invalidRequest([...unknown, ...others]);
  };
}

function* unknownMembers(shape: Shape, value: unknown, pointer: string): Generator<FieldError> {
  const { properties, additionalProperties, items, maxItems, anyOf } = shape;
  for (const option of anyOf ?? []) yield* unknownMembers(option, value, pointer);
  if (value === null || typeof value !== 'object') return;
  if (Array.isArray(value)) {
    if (!items || !hasMembers(items) || value.length > (maxItems ?? Number.POSITIVE_INFINITY)) return;
    for (const [index, item] of value.entries()) yield* unknownMembers(items, item, `${pointer}/${index}`);
    return;
  }
  if (!properties) return;
  for (const [name, member] of Object.entries(value)) {
    const at = `${pointer}/${escaped(name)}`;
    const known = Object.hasOwn(properties, name) ? properties[name] : undefined;
    if (known) {
      yield* unknownMembers(known, member, at);
      continue;
    }
    const current = FORMER_NAMES[name];
    const renamed = current !== undefined && Object.hasOwn(properties, current);
    if (renamed || additionalProperties === false) {
      const meant = renamed ? current : didYouMean(name, Object.keys(properties));
      yield { pointer: at, detail: meant ? `is not known; did you mean \`${meant}\`?` : isUnknown(properties) };
    }
  }
}

/** Says that a member is not known, and names the known members if they are few. */
function isUnknown(properties: Record<string, Shape>): string {
  const names = Object.keys(properties);
  if (names.length > MOST_NAMED) return 'is not known; `/docs` lists the members';
  return `is not known; the members are ${names.map((name) => `\`${name}\``).join(', ')}`;
}

/** Whether items of this shape can have members. Long lists of times and digests cannot, and are skipped. */
function hasMembers({ properties, items, anyOf }: Shape): boolean {
  return properties !== undefined || items !== undefined || anyOf !== undefined;
}

/** A member's name as it is written in a JSON pointer (RFC 6901). */
function escaped(name: string): string {
  return name.slice(0, NAME_LETTERS).toWellFormed().replaceAll('~', '~0').replaceAll('/', '~1');
}
