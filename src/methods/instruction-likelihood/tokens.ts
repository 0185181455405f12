import type { Token } from '../../../schemas/reward.ts';
import type { EpisodeRequest } from '../../episode/episode.ts';
import type { NonEmpty } from '../../plan/non-empty.ts';
import type { ReadText } from '../../plan/plan.ts';
import { ProblemError } from '../../problems/problems.ts';
import type { TokenLookup } from '../method.ts';
import { BEFORE_INSTRUCTION } from './prompt.ts';

/** A text that follows the prompt, and its tokens. */
interface TokenizedText {
  text: string;
  tokens: NonEmpty<Token>;
}

/** The instruction, and the instruction with a full stop after it. */
export interface InstructionTokens {
  withoutStop: TokenizedText;
  withStop: TokenizedText;
}

/** Most tokens of an instruction: each is one more token that the engine is asked for about every prefix. */
const MOST_TOKENS = 256;

/**
 * Finds the tokens of an episode's instruction as the prompt of the paper has them.
 * @throws ProblemError instruction-too-long; invalid-request if the tokenizer does not separate the instruction from the prompt
 */
export async function tokensOfInstruction(
  { instruction }: EpisodeRequest,
  lookup: TokenLookup,
): Promise<InstructionTokens> {
  return {
    withoutStop: await tokenized(` ${instruction}`, lookup),
    withStop: await tokenized(` ${instruction}.`, lookup),
  };
}

async function tokenized(text: string, { tokenizer, pointer: episode, caller }: TokenLookup): Promise<TokenizedText> {
  const pointer = `${episode}/instruction`;
  const before = await tokenizer.tokenIdsOf(BEFORE_INSTRUCTION, caller);
  const all = await tokenizer.tokenIdsOf(`${BEFORE_INSTRUCTION}${text}`, caller);
  const ids = all.slice(before.length);
  if (ids.length > MOST_TOKENS) {
    const detail = `The instruction has ${ids.length} tokens; the limit is ${MOST_TOKENS} with \`method: "instruction_likelihood"\`. Send a shorter instruction.`;
    throw new ProblemError('instruction-too-long', detail, { pointer, limit: MOST_TOKENS });
  }
  const [first, ...others] = ids;
  if (first === undefined || !before.every((id, i) => id === all[i])) {
    const detail =
      'The model’s tokenizer does not separate the instruction from the text before it. Send an instruction that begins with a letter.';
    throw new ProblemError('invalid-request', detail, { pointer });
  }
  // One token after another: a request must not take all connections to the engine.
  const tokenOf = async (id: number): Promise<Token> => ({ text: await tokenizer.textOf([id], caller), id });
  const tokens: NonEmpty<Token> = [await tokenOf(first)];
  for (const id of others) tokens.push(await tokenOf(id));
  return { text, tokens };
}

/** What a query reads to find the log probability of each token of a text. */
export function readOf({ text, tokens: [first, ...others] }: TokenizedText): ReadText {
  return { follows: { text, ids: [first.id, ...others.map(({ id }) => id)] } };
}

/** Whether the full stop is only one more token: then one query reads both texts. */
export function isOneMore({ withoutStop, withStop }: InstructionTokens): boolean {
  const [shorter, longer] = [withoutStop.tokens, withStop.tokens];
  return longer.length === shorter.length + 1 && shorter.every(({ id }, i) => id === longer[i]?.id);
}
