import type { Family } from './family.ts';
import { QWEN3_VL } from './qwen3-vl/family.ts';

/** The families that the engines can serve, by name. */
const FAMILIES = { 'qwen3-vl': QWEN3_VL } as const satisfies Record<string, Family>;

export type FamilyName = keyof typeof FAMILIES;

/** The family of a model. */
export function familyOf(name: FamilyName): Family {
  return FAMILIES[name];
}
