import { TOPREWARD } from './topreward/method.ts';

/** The methods that requests can use, by name. */
export const METHODS = { topreward: TOPREWARD } as const;

/** The method of requests that name none. */
export const DEFAULT_METHOD = METHODS.topreward;
