import type { SeenPrompt } from '../../engine/engine.ts';
import { type Family, promptText } from '../../families/family.ts';
import { type AnswerStart, nameOf } from '../../plan/answer-steps.ts';
import { checkTextLength } from '../../plan/context.ts';
import { blocksOf, countBlocks, type EpisodePlan, type Query } from '../../plan/plan.ts';
import { EngineFault } from './faults.ts';
import type { Completion } from './responses.ts';
import { collapsePads, layoutOf, padsPerBlock, textTokens, type Vocabulary } from './vocabulary.ts';

/** Compares the prompts that the model received with those of the plan, by their token ids. */
export interface PromptCheck {
  /**
   * The prompt of the longest query as the model received it. Its text is checked before the other queries compute it again.
   * @throws ProblemError instruction-too-long; EngineFault unusable
   */
  seen(query: Query, answer: Completion): Promise<SeenPrompt>;
  /** Whether the tokens that a query was sent with follow its prompt unchanged. @throws EngineFault unusable */
  continues(query: Query, start: AnswerStart, answer: Completion): boolean;
}

/** What the prompts of an episode are compared with. */
interface ExpectedPrompts {
  plan: EpisodePlan;
  family: Family;
  vocabulary: Vocabulary;
  /** JSON pointer to the instruction in the request */
  pointer: string;
  /** tokenizes a complete prompt, with one token for each run of image tokens */
  tokensOf(text: string): Promise<number[]>;
}

/** Makes the checks of one episode. */
export function promptCheck({ plan, family, vocabulary, pointer, tokensOf }: ExpectedPrompts): PromptCheck {
  /** Token ids of the prompt text after the blocks, by the text: from the first query that has it. */
  const textIds = new Map<string, number[]>();

  /**
   * The markup of an image may depend on its size, or on the number of images, and the probe has seen one case only. So each prompt is
   * compared completely.
   */
  async function compareImages(query: Query, tokenIds: number[]): Promise<void> {
    const times = blocksOf(plan, query).map(({ time }) => time);
    const expected = await tokensOf(promptText(family, times, query.text, plan.prompt, 'images'));
    const { blockPad } = vocabulary;
    if (collapsePads(expected, blockPad).join() === collapsePads(tokenIds, blockPad).join()) return;
    throw new EngineFault('unusable', `The prompt is not that of the profile ${family.name}, as it was in the probe.`);
  }

  return {
    continues({ text }, { ids }, answer) {
      const prompted = idsOf(answer);
      return nameOf(textTokens(prompted, vocabulary)) === nameOf([...(textIds.get(text) ?? []), ...ids]);
    },
    async seen(query, answer) {
      const { text } = query;
      const tokenIds = idsOf(answer);
      const blocks = countBlocks(plan.queries[0]);
      const prompt = {
        layout: layoutOf(tokenIds, blocks, vocabulary),
        videoTokensPerBlock: padsPerBlock(tokenIds, blocks, vocabulary.blockPad),
      };
      const ids = textTokens(tokenIds, vocabulary);
      checkTextLength(ids.length, pointer);
      textIds.set(text, ids);
      if (prompt.layout === 'images') await compareImages(query, tokenIds);
      return { ...prompt, tokenIds };
    },
  };
}

function idsOf({ prompt_token_ids: ids }: Completion): number[] {
  if (ids) return ids;
  throw new EngineFault('unusable', 'The response lacks the token ids of its prompt.');
}
