import { TOPREWARD } from './topreward/method.ts';

/** The method of every request: requests cannot choose one yet. */
export const DEFAULT_METHOD = TOPREWARD;
