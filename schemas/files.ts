import { Type } from 'typebox';

/** A part of a form that is a file. */
export const file = (description: string) => Type.String({ format: 'binary', description });

/** Parts with the same name, one file each. The example keeps API pages from inventing a file. */
export const files = (description: string) =>
  Type.Array(Type.String({ format: 'binary' }), { description, examples: [[]] });
