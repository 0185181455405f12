import type { ServedModel } from '../engine/served-model.ts';
import type { EpisodeWarning } from '../problems/warnings.ts';
import { readingOf, type Scored } from './scored.ts';

/** Warnings about the engine and the prompt, whatever the method. */
export function engineWarnings({ readings, served }: Scored): EpisodeWarning[] {
  const { warnings: ofEngine = [], prompt } = readingOf(readings, 0);
  const warnings = [...ofEngine, ...profileWarnings(served)];
  if (prompt?.layout === 'nested') {
    warnings.push({
      code: 'nested-layout',
      message:
        'The prompt has two more tokens per block than the reference’s, so the numbers differ from the reference’s.',
    });
  }
  if (served.onePass === false) {
    warnings.push({
      code: 'no-sharing',
      message: 'The caches of the engine are off: every prefix was computed from its start.',
    });
  }
  return warnings;
}

/** Warns if nobody compared the numbers of the profile. */
export function profileWarnings({ family: { name, verified } }: Pick<ServedModel, 'family'>): EpisodeWarning[] {
  if (verified) return [];
  const message = `Nobody compared the numbers of the profile ${name} with transformers. The prompt has the tokens that the profile names.`;
  return [{ code: 'profile-unverified', message }];
}

/** Warns if the reference would shrink the frames of so long a prefix. */
export function sizeWarnings({ request, plan, served }: Scored): EpisodeWarning[] {
  const [{ size }] = plan.frameGroups;
  if (request.pipeline === 'published' || !served.family.wouldShrink(plan.sampledFrames.length, size)) return [];
  const message =
    'The reference would shrink the frames of so long a prefix. Here all frames of the episode keep one size.';
  return [{ code: 'beyond-reference-size', message }];
}

/** Warnings about what the published pipeline costs, and about frames that are not its own. */
export function pipelineWarnings({ request, plan, readings }: Scored): EpisodeWarning[] {
  if (request.pipeline !== 'published') return [];
  const tokens = [...readings.values()].reduce((sum, { promptTokens }) => sum + promptTokens, 0);
  const longest = readingOf(readings, 0).promptTokens;
  const warnings: EpisodeWarning[] = [
    {
      code: 'no-shared-pass',
      message: `Each prefix shows frames of its own, so the prompts have ${tokens} tokens; that of the longest prefix has ${longest}. \`pipeline: "aligned"\` scores all prefixes in about one pass.`,
    },
  ];
  const [{ size, resampling }] = plan.frameGroups;
  if (resampling !== 'published') {
    const message = `This model accepts frames of ${size.width}×${size.height} px only. The frames and times are those of the published pipeline; the size is not.`;
    warnings.push({ code: 'published-at-model-size', message });
  }
  return warnings;
}
