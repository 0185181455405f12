import { letGo } from '../../frames/let-go.ts';
import type { PromptVariant } from '../../plan/prompt.ts';
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

/** The part of vLLM's answer that is read. */
export interface Completion {
  system_fingerprint?: string | null;
  prompt_token_ids?: number[] | null;
  choices: { logprobs?: { content?: LogProbEntry[] | null } | null }[];
  usage: { prompt_tokens: number; prompt_tokens_details?: { cached_tokens?: number | null } | null };
}

interface LogProbEntry {
  token: string;
  logprob: number;
  top_logprobs: { token: string; logprob: number }[];
}

const DATA_URL = 'data:video/x-msvideo;base64,';

/**
 * The body of a chat completion, written piece by piece: base64 of a part of one item at a time, never the whole.
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

  function* chunks(): Generator<Buffer> {
    yield Buffer.from(head);
    for (const [index, item] of items.entries()) yield* part(item, withData(index));
    yield Buffer.from(tail);
  }

  const bytes = items.reduce((sum, item, index) => sum + partLength(item, withData(index)), 0);
  return { bytes: bytes + Buffer.byteLength(head) + Buffer.byteLength(tail), chunks };
}

/** Bytes that become base64 at once: a multiple of three, and too few for V8 to treat the text as a large object. */
const SLICE_BYTES = 48 * 1024;

function* part({ uuid, video }: Item, data: boolean): Generator<Buffer> {
  const head = `{"type":"video_url","uuid":"${uuid}","video_url":`;
  if (!data || !video) {
    yield Buffer.from(`${head}null},`, 'latin1');
    return;
  }
  yield Buffer.from(`${head}{"url":"${DATA_URL}`, 'latin1');
  const file = video.file();
  for (let at = 0; at < file.length; at += SLICE_BYTES)
    yield Buffer.from(file.toString('base64', at, at + SLICE_BYTES), 'latin1');
  letGo(file);
  yield Buffer.from('"}},', 'latin1');
}

function partLength({ uuid, video }: Item, data: boolean): number {
  const shell = `{"type":"video_url","uuid":"${uuid}","video_url":},`.length;
  if (!data || !video) return shell + 'null'.length;
  return shell + `{"url":"${DATA_URL}"}`.length + Math.ceil(video.bytes / 3) * 4;
}

/**
 * Reads both log probabilities from an answer.
 * @throws EngineFault refused, when one is missing or they cannot be true: equal for every token, positive, not a number
 */
export function readLogProbs(
  { choices }: Completion,
  tokenIds: { true: number; false: number },
): { true: number; false: number } {
  const entry = choices[0]?.logprobs?.content?.[0];
  const byToken = new Map(entry?.top_logprobs.map(({ token, logprob }) => [token, logprob]));
  const logProbs = { true: byToken.get(`token_id:${tokenIds.true}`), false: byToken.get(`token_id:${tokenIds.false}`) };
  if (!entry || !isLogProb(logProbs.true) || !isLogProb(logProbs.false)) {
    throw new EngineFault('refused', 'The answer does not hold the log probabilities of the tokens asked for.');
  }
  if (logProbs.true === logProbs.false && logProbs.true === entry.logprob) {
    throw new EngineFault('refused', 'Every token is equally likely: the model is not loaded as it should be.');
  }
  return { true: logProbs.true, false: logProbs.false };
}

function isLogProb(value: number | undefined): value is number {
  // vLLM writes −9999 for minus infinity.
  return value !== undefined && Number.isFinite(value) && value <= 0 && value > -9999;
}
