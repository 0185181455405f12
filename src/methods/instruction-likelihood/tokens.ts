import type { Token } from '../../../schemas/reward.ts';
import type { EpisodeRequest } from '../../episode/episode.ts';
import { mapAll, type NonEmpty } from '../../plan/non-empty.ts';
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

/**
 * What the queries of a prefix read to find the log probability of each token of both texts. One query is enough if the full stop is one
 * more token, or if only the last token differs: when the instruction ends with a full stop itself, the last token is often `..`.
 */
export function readsOf({ withoutStop, withStop }: InstructionTokens): NonEmpty<ReadText> {
  const [follows, other] = [textOf(withStop), textOf(withoutStop)];
  const before = follows.ids.slice(0, -1);
  const begins = before.every((id, i) => id === other.ids[i]);
  if (begins && other.ids.length === before.length) return [{ follows }];
  if (begins && other.ids.length === follows.ids.length) return [{ follows, or: other }];
  return [{ follows }, { follows: other }];
}

function textOf({ text, tokens }: TokenizedText): ReadText['follows'] {
  return { text, ids: mapAll(tokens, ({ id }) => id) };
}

/**
 * The log probabilities of the tokens of each text.
 * @param values what the queries of `readsOf` read for a prefix, nats
 */
export function valuesOfTexts({ withStop }: InstructionTokens, [read = [], apart]: readonly (readonly number[])[]) {
  const last = withStop.tokens.length - 1;
  return {
    withStop: read.slice(0, last + 1),
    withoutStop: apart ?? [...read.slice(0, last), ...read.slice(last + 1)],
  };
}
