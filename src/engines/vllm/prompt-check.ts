import type { SeenPrompt } from '../../engine/engine.ts';
import { type Family, promptText } from '../../families/family.ts';
import { type AnswerStart, nameOf } from '../../plan/answer-steps.ts';
import { checkTextLength } from '../../plan/context.ts';
import { blocksOf, countBlocks, type EpisodePlan, type Query } from '../../plan/plan.ts';
import { EngineFault } from './faults.ts';
import type { Completion } from './responses.ts';
import { collapsePads, layoutOf, padsPerBlock, placesOf, textTokens, type Vocabulary } from './vocabulary.ts';

/** Compares the prompts that the model received with those of the plan, by their token ids. */
export interface PromptCheck {
  /**
   * The prompt of the longest query as the model received it. It is checked before the other queries compute it again.
   * @throws ProblemError instruction-too-long; EngineFault unusable
   */
  seen(query: Query, answer: Completion): Promise<SeenPrompt>;
  /**
   * Checks that a shorter prompt has as many tokens as the longest one has up to the same block, and after the blocks. A query with a
   * block of its own is not checked: the longest prompt does not have that block.
   * @throws EngineFault unusable
   */
  checkLength(query: Query, start: AnswerStart | null, answer: Completion): void;
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
  /** tokenizes a complete prompt, with one token for each run of a block's tokens */
  tokensOf(text: string): Promise<number[]>;
}

/** Makes the checks of one episode. */
export function promptCheck({ plan, family, vocabulary, pointer, tokensOf }: ExpectedPrompts): PromptCheck {
  const { blockPad } = vocabulary;
  /** Token ids of the prompt text after the blocks, by the text: from the first query that has it. */
  const textIds = new Map<string, number[]>();
  /** How many tokens the longest prompt has up to the end of each of its blocks. */
  let ends: number[] = [];

  /**
   * The probe has seen one case only. The markup of an image may depend on its size or on the number of images, and behind a router
   * another engine may have another chat template. So the longest prompt of an episode is compared completely.
   */
  async function compare(query: Query, { layout, tokenIds }: SeenPrompt): Promise<void> {
    const times = blocksOf(plan, query).map(({ time }) => time);
    const expected = collapsePads(await tokensOf(promptText(family, times, query.text, plan.prompt, layout)), blockPad);
    const received = collapsePads(tokenIds, blockPad);
    if (received.length === expected.length && received.every((id, i) => id === expected[i])) return;
    throw new EngineFault(
      'unusable',
      `The prompt differs from that of the profile ${family.name}. In the probe it was equal.`,
    );
  }

  return {
    continues({ text }, { ids }, answer) {
      const prompted = idsOf(answer);
      return nameOf(textTokens(prompted, vocabulary)) === nameOf([...(textIds.get(text) ?? []), ...ids]);
    },
    checkLength({ shows, own, text }, start, { usage }) {
      if (own.length > 0) return;
      const after = (textIds.get(text)?.length ?? 0) + (start?.ids.length ?? 0);
      const expected = (ends[shows - 1] ?? 0) + after;
      if (usage.prompt_tokens === expected) return;
      throw new EngineFault(
        'unusable',
        `The prompt with ${shows} blocks has ${usage.prompt_tokens} tokens. The longest prompt has ${expected} up to there, with the text.`,
      );
    },
    async seen(query, answer) {
      const { text } = query;
      const tokenIds = idsOf(answer);
      const blocks = countBlocks(plan.queries[0]);
      const prompt = {
        layout: layoutOf(tokenIds, blocks, vocabulary),
        videoTokensPerBlock: padsPerBlock(tokenIds, blocks, blockPad),
        tokenIds,
      };
      const ids = textTokens(tokenIds, vocabulary);
      checkTextLength(ids.length, pointer);
      textIds.set(text, ids);
      const places = placesOf(tokenIds, blockPad);
      ends = Array.from({ length: blocks }, (_, i) => (places[(i + 1) * prompt.videoTokensPerBlock - 1] ?? 0) + 1);
      await compare(query, prompt);
      return prompt;
    },
  };
}

function idsOf({ prompt_token_ids: ids }: Completion): number[] {
  if (ids) return ids;
  throw new EngineFault('unusable', 'The response lacks the token ids of its prompt.');
}
