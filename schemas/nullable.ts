import { Type } from 'typebox';

/** A member that is always present and may be null. */
export const nullable = <T extends Type.TSchema>(schema: T) => Type.Union([schema, Type.Null()]);
