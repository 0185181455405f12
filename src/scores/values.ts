import { denseCurve } from './progress.ts';

/** Reward of a frame at which no prefix ends. */
export type MissingRewards = 'zero' | 'interpolate' | 'duplicate';

/**
 * A reward for every frame; that of a prefix of length L stands at its last frame, L − 1.
 * `zero`: 0 elsewhere, before the first prefix too. `interpolate`: linear between prefixes, flat before the first and after
 * the last. `duplicate`: each goes on until the next prefix; the first also stands before itself.
 * Source: arXiv 2602.19313, authors' code (`impute_rewards`).
 * @param lengths rising prefix lengths
 * @param logProbs nats, one per length
 * @returns frameCount rewards, nats
 */
export function frameRewards(
  lengths: number[],
  logProbs: number[],
  frameCount: number,
  missing: MissingRewards,
): number[] {
  if (missing === 'interpolate') return denseCurve(lengths, logProbs, frameCount);
  const known = new Map(lengths.map((length, i) => [length - 1, logProbs[i] as number]));
  let held = logProbs[0] as number;
  return Array.from({ length: frameCount }, (_, frame) => {
    if (missing === 'zero') return known.get(frame) ?? 0;
    held = known.get(frame) ?? held;
    return held;
  });
}

/**
 * V_t = Σ γ^k r_{t+k} to the end of the rewards, computed backwards: V_t = r_t + γ·V_{t+1}.
 * Source: arXiv 2602.19313, authors' code (`compute_values`).
 * @param gamma 0…1
 */
export function discountedValues(rewards: number[], gamma: number): number[] {
  let following = 0;
  return rewards
    .map((_, i) => {
      following = (rewards[rewards.length - 1 - i] as number) + gamma * following;
      return following;
    })
    .reverse();
}
