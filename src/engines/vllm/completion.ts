import type { PromptVariant } from '../../../schemas/enumerations.ts';
import type { Reading } from '../../engine/engine.ts';
import { LEAST_LOG_PROB, logProbFault, topFault } from '../../engine/log-probs.ts';
import type { Body } from './client.ts';
import type { Item } from './content.ts';
import { itemLength, itemPart, textPart } from './content.ts';
import { EngineFault } from './faults.ts';
import { joined } from './pieces.ts';
import type { Completion, TokenUsage } from './responses.ts';

/**
 * Which log probabilities a query reads: those of next tokens by their ids, those of the most likely next tokens, that of the most likely
 * token that is not one of some others, or those of the last tokens of the prompt itself. vLLM returns one of these.
 */
export type TokensToRead =
  | { ids: readonly number[] }
  | { top: number }
  | { likeliestExcept: readonly number[] }
  | { last: readonly number[] };

/** One query to vLLM, without its items: the text of the prompt, and what is read. */
export interface PromptRequest {
  model: string;
  text: string;
  /** text of an answer that follows the prompt; empty if none does */
  answerStart: string;
  prompt: PromptVariant;
  read: TokensToRead;
  salt: string;
  /** Request the token ids of the complete prompt, to check its layout. */
  withTokenIds: boolean;
}

/**
 * Makes the body of a chat completion request, in pieces. Frames are not copied.
 * @param withData tells whether the item at this index is sent with its data, if it has any, or only with its name
 */
export function completionBody(request: PromptRequest, items: Item[], withData: (index: number) => boolean): Body {
  const { model, text, answerStart, prompt, read, salt, withTokenIds } = request;
  const head = `{"model":${JSON.stringify(model)},"messages":[{"role":"user","content":[`;
  const options = {
    add_generation_prompt: prompt === 'chat' && answerStart === '',
    continue_final_message: prompt === 'open' || answerStart !== '',
    max_tokens: 1,
    temperature: 0,
    logprobs: true,
    ...wanted(read),
    return_tokens_as_token_ids: true,
    return_token_ids: withTokenIds,
    cache_salt: salt,
  };
  // After a turn that ends, the answer begins the turn of the assistant. An open turn goes on.
  const user = textPart(prompt === 'open' ? text + answerStart : text);
  const assistant =
    prompt === 'chat' && answerStart !== '' ? `,${JSON.stringify({ role: 'assistant', content: answerStart })}` : '';
  const tail = `${user}]}${assistant}],${JSON.stringify(options).slice(1)}`;

  // Each is followed by a comma.
  const bytes = items.reduce((sum, item, index) => sum + itemLength(item, withData(index)) + 1, 0);
  const pieces = function* () {
    yield head;
    for (const [index, item] of items.entries()) {
      yield* itemPart(item, withData(index));
      yield ',';
    }
    yield tail;
  };
  return { bytes: bytes + Buffer.byteLength(head) + Buffer.byteLength(tail), chunks: () => joined(pieces()) };
}

/** How a request names what it reads. */
function wanted(read: TokensToRead): object {
  if ('ids' in read) return { logprob_token_ids: read.ids };
  if ('top' in read) return { top_logprobs: read.top };
  if ('last' in read) return { prompt_logprobs: 0 };
  // A bias changes which token vLLM chooses, and by default not the log probability that it returns.
  return { logit_bias: Object.fromEntries(read.likeliestExcept.map((id) => [id, LEAST_BIAS])) };
}

/** The lowest bias that the OpenAI protocol permits, in nats. */
const LEAST_BIAS = -100;

/**
 * Reads the log probabilities of tokens from a response.
 * @param answers ids of the tokens
 * @returns natural logarithms, at most 0, in the order of the ids
 * @throws EngineFault unusable, if one is missing, if one token has two values, or if the values cannot come from a
 * model
 */
export function readLogProbs({ choices }: Completion, answers: readonly number[]): number[] {
  const entries = (choices[0]?.logprobs.content ?? []).slice(0, 1);
  const byToken = new Map<string, number>();
  for (const { token, logprob } of entries.flatMap((entry) => [entry, ...entry.top_logprobs])) {
    if (byToken.has(token) && byToken.get(token) !== logprob)
      throw new EngineFault('unusable', 'The response has two different log probabilities for one token.');
    byToken.set(token, logprob);
  }
  const take = (id: number) => {
    const logProb = byToken.get(`token_id:${id}`);
    byToken.delete(`token_id:${id}`);
    if (logProb !== undefined) return logProb;
    throw new EngineFault('unusable', 'The response lacks the log probabilities of the requested tokens.');
  };
  const read = answers.map(take);
  const fault = logProbFault(read, [...byToken.values()]);
  if (fault) throw new EngineFault('unusable', fault);
  return read;
}

/**
 * Reads the log probabilities of the last tokens of the prompt itself.
 * @param ids of these tokens
 * @returns natural logarithms, at most 0, in their order
 * @throws EngineFault unusable, if one is missing, or if a value cannot come from a model
 */
export function readLast(
  { prompt_logprobs: read, prompt_token_ids: prompted }: Completion,
  ids: readonly number[],
): number[] {
  // Fewer rows than tokens would be those of other tokens.
  const rows = read && read.length === prompted?.length ? read.slice(-ids.length) : [];
  const values = ids.map((id, i) => rows[i]?.[id]?.logprob);
  const found = values.filter((value) => value !== undefined);
  if (found.length < ids.length)
    throw new EngineFault('unusable', 'The response lacks the log probabilities of the tokens of its prompt.');
  const fault = found.map((value) => logProbFault([value], [])).find((each) => each);
  if (fault) throw new EngineFault('unusable', fault);
  return found;
}

/** A token and its log probability in nats. */
export interface LikelyToken {
  id: number;
  logProb: number;
}

/**
 * Reads the most likely next tokens from a response.
 * @param count how many
 * @returns the most likely one first; undefined if the response has other tokens in their place. vLLM does that when it computes the query
 * together with one that reads tokens by their ids (0.32, gather_specific_token_logprobs): each is token 0 with minus infinity.
 * @throws EngineFault unusable, if there are fewer, or if the values cannot come from a model
 */
export function readTop({ choices }: Completion, count: number): LikelyToken[] | undefined {
  const [entry] = choices[0]?.logprobs.content ?? [];
  const entries = entry ? [entry, ...entry.top_logprobs].map(likelyToken) : [];
  if (entries.some(({ id, logProb }) => id === 0 && logProb <= LEAST_LOG_PROB)) return undefined;
  const byId = new Map<number, number>();
  for (const { id, logProb } of entries) {
    if (byId.has(id) && byId.get(id) !== logProb)
      throw new EngineFault('unusable', 'The response has two different log probabilities for one token.');
    byId.set(id, logProb);
  }
  const fault = topFault([...byId.values()]);
  if (fault) throw new EngineFault('unusable', fault);
  if (byId.size < count) throw new EngineFault('unusable', `The response has ${byId.size} of ${count} tokens.`);
  return [...byId]
    .map(([id, logProb]) => ({ id, logProb }))
    .sort((a, b) => b.logProb - a.logProb)
    .slice(0, count);
}

/**
 * Reads the token that the engine chose.
 * @throws EngineFault unusable, if its log probability cannot come from a model
 */
export function readChosen({ choices }: Completion): LikelyToken {
  const [entry] = choices[0]?.logprobs.content ?? [];
  if (!entry) throw new EngineFault('unusable', 'The response lacks the log probability of its token.');
  const chosen = likelyToken(entry);
  const fault = topFault([chosen.logProb]);
  if (fault) throw new EngineFault('unusable', fault);
  return chosen;
}

function likelyToken({ token, logprob }: { token: string; logprob: number }): LikelyToken {
  const [, id] = /^token_id:(\d{1,9})$/.exec(token) ?? [];
  if (id !== undefined) return { id: Number(id), logProb: logprob };
  throw new EngineFault('unusable', 'The response names a token by its text, not by its id.');
}

/**
 * Reads how many prompt tokens the engine found in its prefix cache.
 * @returns null if the engine does not tell
 * @throws EngineFault unusable, if the number exceeds the number of prompt tokens
 */
export function cachedTokens({ usage }: { usage: TokenUsage }): number | null {
  const cached = usage.prompt_tokens_details?.cached_tokens ?? null;
  if (cached === null || cached <= usage.prompt_tokens) return cached;
  throw new EngineFault('unusable', 'The response reports more cached tokens than prompt tokens.');
}

/** Tokens of the prompts of some responses together. */
export function tokensOf(answers: Completion[]): Pick<Reading, 'promptTokens' | 'cachedTokens'> {
  const cached = answers.map(cachedTokens);
  return {
    promptTokens: answers.reduce((sum, { usage }) => sum + usage.prompt_tokens, 0),
    cachedTokens: cached.includes(null) ? null : cached.reduce<number>((sum, tokens) => sum + (tokens ?? 0), 0),
  };
}
