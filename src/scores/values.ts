import { pointsOf } from './points.ts';
import { denseCurve } from './progress.ts';

/** How a frame gets its reward if no prefix ends at it. */
export type MissingRewards = 'zero' | 'interpolate' | 'duplicate';

/**
 * A reward for every frame. The reward of a prefix of length L is at its last frame, L − 1. Other frames:
 * `zero`: 0, also before the first prefix. `interpolate`: linear between prefixes, constant before the first and after the
 * last. `duplicate`: the reward of the last prefix before the frame; before the first prefix, the reward of the first.
 * Source: arXiv 2602.19313, authors' code (`impute_rewards`).
 * @param lengths increasing prefix lengths
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
  const points = pointsOf(lengths, logProbs);
  const known = new Map(points.map(({ length, value }) => [length - 1, value]));
  let held = points[0].value;
  return Array.from({ length: frameCount }, (_, frame) => {
    if (missing === 'zero') return known.get(frame) ?? 0;
    held = known.get(frame) ?? held;
    return held;
  });
}

/**
 * Discounted values V_t = Σ γ^k r_{t+k} until the last reward, computed backwards: V_t = r_t + γ·V_{t+1}.
 * Source: arXiv 2602.19313, authors' code (`compute_values`).
 * @param rewards nats, one for each frame
 * @param gamma discount γ, 0…1
 * @returns one value for each reward, in nats
 */
export function discountedValues(rewards: number[], gamma: number): number[] {
  let following = 0;
  return rewards
    .toReversed()
    .map((reward) => {
      following = reward + gamma * following;
      return following;
    })
    .reverse();
}
