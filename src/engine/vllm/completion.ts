import type { PromptVariant } from '../../plan/prompt.ts';
import { type LogProbPair, logProbFault } from '../log-probs.ts';
import type { Completion } from './answers.ts';
import type { Body } from './client.ts';
import { EngineFault } from './faults.ts';
import type { Item } from './items.ts';

/** One question to vLLM: items, the statement, and the tokens whose log probability is wanted. */
export interface Question {
  model: string;
  text: string;
  prompt: PromptVariant;
  tokenIds: { true: number; false: number };
  salt: string;
  /** Ask for the ids of the whole prompt, to see how it came out. */
  withTokenIds: boolean;
}

const DATA_URL = 'data:video/x-msvideo;base64,';

/**
 * The body of a chat completion, in pieces: the frames in it are not copied.
 * @param withData whether the item at this place goes with its data, if there is any, or by name alone
 */
export function completionBody(question: Question, items: Item[], withData: (index: number) => boolean): Body {
  const { model, text, prompt, tokenIds, salt, withTokenIds } = question;
  const head = `{"model":${JSON.stringify(model)},"messages":[{"role":"user","content":[`;
  const options = {
    add_generation_prompt: prompt === 'chat',
    continue_final_message: prompt === 'open',
    max_tokens: 1,
    temperature: 0,
    logprobs: true,
    logprob_token_ids: [tokenIds.true, tokenIds.false],
    return_tokens_as_token_ids: true,
    return_token_ids: withTokenIds,
    cache_salt: salt,
  };
  const tail = `${JSON.stringify({ type: 'text', text })}]}],${JSON.stringify(options).slice(1)}`;

  const bytes = items.reduce((sum, item, index) => sum + partLength(item, withData(index)), 0);
  const pieces = function* () {
    yield head;
    for (const [index, item] of items.entries()) yield* part(item, withData(index));
    yield tail;
  };
  return { bytes: bytes + Buffer.byteLength(head) + Buffer.byteLength(tail), chunks: () => joined(pieces()) };
}

function* part({ uuid, video }: Item, data: boolean): Generator<string | Uint8Array> {
  const head = `{"type":"video_url","uuid":"${uuid}","video_url":`;
  if (!data || !video) {
    yield `${head}null},`;
    return;
  }
  yield `${head}{"url":"${DATA_URL}`;
  yield* video.text();
  yield '"}},';
}

function partLength({ uuid, video }: Item, data: boolean): number {
  const shell = `{"type":"video_url","uuid":"${uuid}","video_url":},`.length;
  if (!data || !video) return shell + 'null'.length;
  return shell + `{"url":"${DATA_URL}"}`.length + video.length;
}

/** Pieces shorter than this are put together: each chunk of a body costs a system call. */
const SHORT_BYTES = 4 * 1024;

/** Frames as they are, and what stands between them in one chunk each. */
function* joined(pieces: Iterable<string | Uint8Array>): Generator<Uint8Array> {
  let short: Uint8Array[] = [];
  for (const piece of pieces) {
    const bytes = typeof piece === 'string' ? Buffer.from(piece) : piece;
    if (bytes.length < SHORT_BYTES) {
      short.push(bytes);
      continue;
    }
    yield Buffer.concat(short);
    short = [];
    yield bytes;
  }
  yield Buffer.concat(short);
}

/**
 * Reads both log probabilities from an answer.
 * @throws EngineFault unusable, when one is missing, one token has two of them, or they cannot be a model's
 */
export function readLogProbs({ choices }: Completion, tokenIds: { true: number; false: number }): LogProbPair {
  const entries = (choices[0]?.logprobs.content ?? []).slice(0, 1);
  const byToken = new Map<string, number>();
  for (const { token, logprob } of entries.flatMap((entry) => [entry, ...entry.top_logprobs])) {
    if (byToken.has(token) && byToken.get(token) !== logprob)
      throw new EngineFault('unusable', 'The answer has two log probabilities for one token.');
    byToken.set(token, logprob);
  }
  const take = (id: number) => {
    const logProb = byToken.get(`token_id:${id}`);
    byToken.delete(`token_id:${id}`);
    if (logProb !== undefined) return logProb;
    throw new EngineFault('unusable', 'The answer does not hold the log probabilities of the tokens asked for.');
  };
  const pair = { true: take(tokenIds.true), false: take(tokenIds.false) };
  const fault = logProbFault(pair, [...byToken.values()]);
  if (fault) throw new EngineFault('unusable', fault);
  return pair;
}

/**
 * Prompt tokens that the engine found in its cache; null where it does not tell.
 * @throws EngineFault unusable, when there are more of them than tokens
 */
export function cachedTokens({ usage }: Completion): number | null {
  const cached = usage.prompt_tokens_details?.cached_tokens ?? null;
  if (cached === null || cached <= usage.prompt_tokens) return cached;
  throw new EngineFault('unusable', 'The answer has more cached tokens than prompt tokens.');
}
