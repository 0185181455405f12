import type { PromptVariant } from '../../schemas/enumerations.ts';
import type { Clock } from '../../src/episode/clock.ts';
import { promptText as familyPrompt } from '../../src/families/family.ts';
import { QWEN3_VL } from '../../src/families/qwen3-vl/family.ts';
import { planAligned } from '../../src/methods/aligned.ts';
import { statement, trueAndFalse } from '../../src/methods/topreward/prompt.ts';
import type { EpisodePlan } from '../../src/plan/plan.ts';

/** TOPReward's plan for an episode, on Qwen3-VL. */
export function planEpisode(
  { instruction, prompt, clock }: { instruction: string; prompt: PromptVariant; clock: Clock },
  schedule: number[],
  lengths: number[],
  size = { width: 244, height: 244 },
): EpisodePlan {
  const query = { prompt, clock, text: statement(instruction), read: trueAndFalse(prompt) };
  return planAligned(query, QWEN3_VL, schedule, lengths, size);
}

/** TOPReward's prompt, on Qwen3-VL. */
export function promptText(
  times: string[],
  instruction: string,
  variant: PromptVariant,
  layout: 'reference' | 'nested',
): string {
  return familyPrompt(QWEN3_VL, times, statement(instruction), variant, layout);
}
