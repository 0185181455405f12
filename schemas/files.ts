import { Type } from 'typebox';

/** A part of a form that is a file. */
export const file = (description: string) => Type.String({ format: 'binary', description });

/** Parts of one name, a file each. Without the example, Swagger UI sends the word "string" for a file that nobody chose. */
export const files = (description: string) =>
  Type.Array(Type.String({ format: 'binary' }), { description, examples: [[]] });
