import type { SeenPrompt } from '../../engine/engine.ts';
import { type AnswerStart, nameOf } from '../../plan/answer-steps.ts';
import { checkTextLength } from '../../plan/context.ts';
import { countBlocks, type EpisodePlan, type Query } from '../../plan/plan.ts';
import { EngineFault } from './faults.ts';
import type { Completion } from './responses.ts';
import { layoutOf, padsPerBlock, textTokens, type Vocabulary } from './vocabulary.ts';

/** Compares the prompts that the model received with those of the plan, by their token ids. */
export interface PromptCheck {
  /**
   * The prompt of the longest query as the model received it. Its text is checked before the other queries compute it again.
   * @throws ProblemError instruction-too-long; EngineFault unusable
   */
  seen(query: Query, answer: Completion): SeenPrompt;
  /** Whether the tokens that a query was sent with follow its prompt unchanged. @throws EngineFault unusable */
  continues(query: Query, start: AnswerStart, answer: Completion): boolean;
}

/**
 * Makes the checks of one episode.
 * @param pointer JSON pointer to the instruction in the request
 */
export function promptCheck(plan: EpisodePlan, vocabulary: Vocabulary, pointer: string): PromptCheck {
  /** Token ids of the prompt text after the blocks, by the text: from the first query that has it. */
  const textIds = new Map<string, number[]>();
  return {
    continues({ text }, { ids }, answer) {
      const prompted = idsOf(answer);
      return nameOf(textTokens(prompted, vocabulary)) === nameOf([...(textIds.get(text) ?? []), ...ids]);
    },
    seen({ text }, answer) {
      const tokenIds = idsOf(answer);
      const blocks = countBlocks(plan.queries[0]);
      const prompt = {
        layout: layoutOf(tokenIds, blocks, vocabulary),
        videoTokensPerBlock: padsPerBlock(tokenIds, blocks, vocabulary.blockPad),
      };
      const ids = textTokens(tokenIds, vocabulary);
      checkTextLength(ids.length, pointer);
      textIds.set(text, ids);
      return { ...prompt, tokenIds };
    },
  };
}

function idsOf({ prompt_token_ids: ids }: Completion): number[] {
  if (ids) return ids;
  throw new EngineFault('unusable', 'The response lacks the token ids of its prompt.');
}
