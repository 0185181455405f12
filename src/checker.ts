import type { Static, TSchema } from 'typebox';
import { Compile } from 'typebox/compile';
import type { FieldError } from '../schemas/problem.ts';
import { didYouMean } from './did-you-mean.ts';
import { fieldErrors, invalidRequest } from './field-errors.ts';

/** As many mistakes as an answer names. */
const MOST_NAMED = 8;
/** Of a name that a caller made up. */
const NAME_LETTERS = 64;

/** The parts of a JSON schema that tell which members it knows. */
interface Shape {
  properties?: Record<string, Shape>;
  additionalProperties?: unknown;
  items?: Shape;
  anyOf?: Shape[];
}

/**
 * Makes a checker of a schema. Unknown members are looked for first: there may be many of them, and each gets the name that
 * was probably meant.
 * @returns a function that gives back the value it has checked; its pointer is where the value stands in the request
 */
export function createChecker<Schema extends TSchema>(schema: Schema) {
  const compiled = Compile(schema);
  return (value: unknown, pointer: string): Static<Schema> => {
    const unknown = unknownMembers(schema as Shape, value, pointer)
      .take(MOST_NAMED)
      .toArray();
    if (unknown.length === 0 && compiled.Check(value)) return value as Static<Schema>;
    const others = unknown.length < MOST_NAMED ? fieldErrors(compiled.Errors(value), pointer) : [];
    throw invalidRequest([...unknown, ...others].slice(0, MOST_NAMED));
  };
}

function* unknownMembers(shape: Shape, value: unknown, pointer: string): Generator<FieldError> {
  const { properties, additionalProperties, items, anyOf } = shape;
  for (const option of anyOf ?? []) yield* unknownMembers(option, value, pointer);
  if (value === null || typeof value !== 'object') return;
  if (Array.isArray(value)) {
    if (!items || !hasMembers(items)) return;
    for (const [index, item] of value.entries()) yield* unknownMembers(items, item, `${pointer}/${index}`);
    return;
  }
  if (!properties) return;
  for (const name of Object.keys(value)) {
    const at = `${pointer}/${escaped(name)}`;
    if (Object.hasOwn(properties, name)) {
      yield* unknownMembers(properties[name] as Shape, (value as Record<string, unknown>)[name], at);
    } else if (additionalProperties === false) {
      const meant = didYouMean(name, Object.keys(properties));
      yield { pointer: at, detail: meant ? `is not known; did you mean \`${meant}\`?` : 'is not known' };
    }
  }
}

/** Whether anything in a list of such items can have members: lists of times and digests are long. */
function hasMembers({ properties, items, anyOf }: Shape): boolean {
  return properties !== undefined || items !== undefined || anyOf !== undefined;
}

/** A member's name as JSON pointers write it (RFC 6901). */
function escaped(name: string): string {
  return name.slice(0, NAME_LETTERS).replaceAll('~', '~0').replaceAll('/', '~1');
}
