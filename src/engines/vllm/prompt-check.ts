import type { SeenPrompt } from '../../engine/engine.ts';
import { type Family, promptText } from '../../families/family.ts';
import type { AnswerStart } from '../../plan/answer-steps.ts';
import { checkTextLength } from '../../plan/context.ts';
import { blocksOf, countBlocks, type EpisodePlan, type Query } from '../../plan/plan.ts';
import { EngineFault } from './faults.ts';
import type { Completion } from './responses.ts';
import { areSame, isSamePrompt, layoutOf, padsPerBlock, placesOf, textTokens, type Vocabulary } from './vocabulary.ts';

/** Compares the prompts that the model received with those of the plan, by their token ids. */
export interface PromptCheck {
  /**
   * The prompt of the longest query as the model received it. It is checked before the other queries compute it again.
   * @throws ProblemError instruction-too-long; EngineFault unusable
   */
  seen(query: Query, answer: Completion): Promise<SeenPrompt>;
  /**
   * Checks a prompt by its number of tokens, if its response has no token ids: it must have as many as the longest prompt up to the same
   * block, and after the blocks. A shorter query with a block of its own is not checked: the longest prompt does not have that block.
   * @throws EngineFault unusable
   */
  checkLength(query: Query, answer: Completion): void;
  /**
   * Whether the tokens that a query was sent with follow its prompt unchanged.
   * @throws EngineFault unusable, if the blocks that it shares with the longest prompt are not as there
   */
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
  const [longestQuery] = plan.queries;
  /** Token ids of the longest prompt, and of the text after its blocks. All queries of a plan have the same text. */
  let longest: number[] = [];
  let textIds: number[] = [];
  /** How many tokens the longest prompt has up to the end of each of its blocks. */
  let ends: number[] = [];

  /**
   * The probe has seen one case only. The markup of an image may depend on its size or on the number of images, and behind a router
   * another engine may have another chat template. So the longest prompt of an episode is compared completely.
   */
  async function compare(query: Query, { layout, tokenIds }: SeenPrompt): Promise<void> {
    const times = blocksOf(plan, query).map(({ time }) => time);
    const expected = await tokensOf(promptText(family, times, query.text, plan.prompt, layout));
    if (!isSamePrompt(tokenIds, expected, blockPad)) throw otherPrompt(family);
  }

  return {
    continues({ shows }, { ids }, answer) {
      const received = idsOf(answer);
      const shared = ends[shows - 1] ?? 0;
      if (!areSame(received.slice(0, shared), longest.slice(0, shared))) throw otherPrompt(family);
      return areSame(textTokens(received, vocabulary), [...textIds, ...ids]);
    },
    checkLength(query, { usage }) {
      const { shows, own } = query;
      if (query !== longestQuery && own.length > 0) return;
      const expected = query === longestQuery ? longest.length : (ends[shows - 1] ?? 0) + textIds.length;
      if (usage.prompt_tokens === expected) return;
      const fault = `A prompt of ${countBlocks(query)} blocks has ${usage.prompt_tokens} tokens; by the longest prompt it has ${expected}.`;
      throw new EngineFault('unusable', fault);
    },
    async seen(query, answer) {
      longest = idsOf(answer);
      const blocks = countBlocks(query);
      const prompt = {
        layout: layoutOf(longest, blocks, vocabulary),
        videoTokensPerBlock: padsPerBlock(longest, blocks, blockPad),
        tokenIds: longest,
      };
      textIds = textTokens(longest, vocabulary);
      checkTextLength(textIds.length, pointer);
      const places = placesOf(longest, blockPad);
      ends = Array.from({ length: blocks }, (_, i) => (places[(i + 1) * prompt.videoTokensPerBlock - 1] ?? 0) + 1);
      await compare(query, prompt);
      return prompt;
    },
  };
}

function otherPrompt({ name }: Family): EngineFault {
  return new EngineFault('unusable', `The prompt differs from that of the profile ${name}. In the probe it was equal.`);
}

function idsOf({ prompt_token_ids: ids, usage }: Completion): number[] {
  if (!ids) throw new EngineFault('unusable', 'The response lacks the token ids of its prompt.');
  if (ids.length === usage.prompt_tokens) return ids;
  throw new EngineFault('unusable', 'The response has another number of prompt tokens than of their ids.');
}
