import { consecutivePairs } from './consecutive-pairs.ts';

/**
 * Potential-based shaping rewards F = γ·Φ(s′) − Φ(s). They do not change the optimal policy (Ng, Harada and Russell 1999).
 * @param potentials Φ of consecutive states, on a scale that later states do not change
 * @param gamma discount of the policy training, 0…1
 * @returns one value fewer than potentials
 */
export function shapingRewards(potentials: number[], gamma: number): number[] {
  return consecutivePairs(potentials).map(([from, to]) => gamma * to - from);
}
