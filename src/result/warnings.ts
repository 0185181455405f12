import { familyOf } from '../families/registry.ts';
import type { EpisodeWarning } from '../problems/warnings.ts';
import { readingOf, type Scored } from './scored.ts';

/** Warnings about the engine and the prompt, whatever the method. */
export function engineWarnings({ readings, profile }: Scored): EpisodeWarning[] {
  const { warnings: ofEngine = [], prompt } = readingOf(readings, 0);
  const warnings = [...ofEngine];
  if (prompt?.layout === 'nested') {
    warnings.push({
      code: 'nested-layout',
      message:
        'The prompt has two more tokens per block than the reference’s, so the numbers differ from the reference’s.',
    });
  }
  if (profile.onePass === false) {
    warnings.push({
      code: 'no-sharing',
      message: 'The caches of the engine are off: every prefix was computed from its start.',
    });
  }
  return warnings;
}

/** Warns if the reference would shrink the frames of so long a prefix. */
export function sizeWarnings({ plan, size, profile }: Scored): EpisodeWarning[] {
  if (!familyOf(profile.family).wouldShrink(plan.sampledFrames.length, size)) return [];
  const message =
    'The reference would shrink the frames of so long a prefix. Here all frames of the episode keep one size.';
  return [{ code: 'beyond-reference-size', message }];
}
