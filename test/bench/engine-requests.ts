import { randomBytes } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import type { PromptVariant } from '../../schemas/enumerations.ts';
import type { FrameSize } from '../../schemas/reward.ts';
import type { ServedModel } from '../../src/engine/served-model.ts';
import { type Body, jsonBody, type VllmClient } from '../../src/engines/vllm/client.ts';
import { cachedTokens, completionBody, type PromptRequest } from '../../src/engines/vllm/completion.ts';
import type { Item } from '../../src/engines/vllm/content.ts';
import { cacheSalt, itemsOf } from '../../src/engines/vllm/items.ts';
import type { Probed } from '../../src/engines/vllm/probe.ts';
import { COMPLETION, type Completion } from '../../src/engines/vllm/responses.ts';
import type { AviEncoding } from '../../src/frames/avi-frame.ts';
import type { RenderedFrame } from '../../src/frames/render-worker.ts';
import { blocksOf, countBlocks, type EpisodePlan } from '../../src/plan/plan.ts';
import { wholeVideo } from './whole-video.ts';

/** One episode with rendered frames, ready for queries. */
export interface Prepared {
  plan: EpisodePlan;
  size: FrameSize;
  encoding: AviEncoding;
  /** by raw frame number, as the service sends them */
  frames: Map<number, RenderedFrame>;
}

/** Makes the items of an episode's blocks, with names that are used only once. */
export function freshItems({ frames, size, encoding }: Prepared, { served }: Probed) {
  const secret = randomBytes(32).toString('hex');
  const group = { size, resampling: 'pillow-bicubic' } as const;
  return itemsOf(
    frames,
    { secret, tenant: 'bench', model: served.model, encoding, source: size, group },
    served.family,
  );
}

function questionOf(
  { prompt, queries: [{ text }] }: EpisodePlan,
  { served }: Probed,
  withTokenIds: boolean,
): PromptRequest {
  return {
    model: served.model,
    text,
    prompt,
    answerStart: '',
    read: { ids: answerIds(prompt, served) },
    salt: cacheSalt(randomBytes(32).toString('hex'), 'bench'),
    withTokenIds,
  };
}

/** Ids of the tokens that a prompt variant reads. */
function answerIds(prompt: PromptVariant, { prompts }: ServedModel): number[] {
  return prompts[prompt].answers.flat().map(({ id }) => id);
}

/** The body for the longest prefix only, in blocks as the service sends it. */
export function longestBody(prepared: Prepared, probed: Probed): Body {
  const { plan } = prepared;
  const blocks = blocksOf(plan, plan.queries[0]);
  const itemOf = freshItems(prepared, probed);
  return completionBody(questionOf(prepared.plan, probed, true), blocks.map(itemOf), () => true);
}

/** The bodies for all prefixes, the longest first, as the service sends them: later ones only name known blocks. */
export function allBodies(prepared: Prepared, probed: Probed): Body[] {
  const { plan } = prepared;
  const itemOf = freshItems(prepared, probed);
  const asked = questionOf(plan, probed, true);
  return plan.queries.map((query, place) => {
    const withData = (block: number) => place === 0 || block >= query.shows;
    return completionBody({ ...asked, withTokenIds: place === 0 }, blocksOf(plan, query).map(itemOf), withData);
  });
}

/**
 * The bodies for all prefixes, each with one complete video. They share only the first words of the prompt.
 * @param prepared an episode in PNG
 */
export function wholeVideoBodies({ plan, size, frames }: Prepared, probed: Probed, fps: number): Body[] {
  const files = plan.sampledFrames.map((index) => fileIn(frames.get(index) as RenderedFrame));
  const { text, model } = questionOf(plan, probed, false);
  const answers = answerIds(plan.prompt, probed.served);
  return plan.queries.map(({ framesUsed }) => {
    const shown = files.slice(0, framesUsed);
    // vLLM's reader finds no frames in a video of one frame.
    const video = wholeVideo(framesUsed === 1 ? [...shown, ...shown] : shown, size, fps).toString('base64');
    return jsonBody({
      model,
      messages: [
        {
          role: 'user',
          content: [
            { type: 'video_url', video_url: { url: `data:video/x-msvideo;base64,${video}` } },
            { type: 'text', text },
          ],
        },
      ],
      add_generation_prompt: false,
      continue_final_message: true,
      max_tokens: 1,
      temperature: 0,
      logprobs: true,
      logprob_token_ids: answers,
      return_tokens_as_token_ids: true,
    });
  });
}

/** Extracts the image file from a text of aviFrame. It follows a JUNK chunk, a name and a length. */
function fileIn({ bytes }: RenderedFrame): Buffer {
  const chunks = Buffer.from(Buffer.from(bytes).toString('latin1'), 'base64');
  return chunks.subarray(18, 18 + chunks.readUInt32LE(14));
}

/** Data bytes of all blocks that only one prefix has: those with a doubled last frame. */
export function unfinishedBytes(prepared: Prepared, probed: Probed): number {
  const itemOf = freshItems(prepared, probed);
  const dataOf = (item: Item) => item.file?.length ?? 0;
  return prepared.plan.queries
    .slice(1)
    .flatMap(({ own }) => own ?? [])
    .reduce((sum, block) => sum + dataOf(itemOf(block)), 0);
}

/** The cost of requests to the engine. */
export interface Cost {
  ms: number;
  requests: number;
  bytes: number;
  promptTokens: number;
  computedTokens: number;
  /** response to each request, in order */
  answers: Completion[];
}

/**
 * Sends prepared bodies in parallel.
 * @returns the time from the first byte sent to the last response read, and the other costs
 */
export async function sendAll(client: VllmClient, bodies: Body[]): Promise<Cost> {
  // Base64 is encoded before the time is measured.
  const ready = bodies.map(({ bytes, chunks }): Body => {
    const made = [...chunks()];
    return { bytes, chunks: () => made };
  });
  const signal = new AbortController().signal;
  const started = performance.now();
  const answers = await Promise.all(ready.map((body) => client.post('/v1/chat/completions', body, COMPLETION, signal)));
  const ms = performance.now() - started;
  const prompt = answers.map(({ usage }) => usage.prompt_tokens);
  const sum = (values: number[]) => values.reduce((total, value) => total + value, 0);
  return {
    ms,
    requests: bodies.length,
    bytes: sum(bodies.map(({ bytes }) => bytes)),
    promptTokens: sum(prompt),
    computedTokens: sum(prompt) - sum(answers.map((answer) => cachedTokens(answer) ?? 0)),
    answers,
  };
}

/** Token counts of a prompt and its prefixes, read from the token ids of the longest one. */
export interface PromptShape {
  question: number;
  /** tokens of the prompt of each query */
  queries: number[];
  /** tokens of the block that only this query has, or 0 */
  unfinished: number[];
}

export function promptShape(
  tokenIds: number[],
  { queries, prompt }: EpisodePlan,
  { served, vocabulary }: Probed,
): PromptShape {
  // A block ends with one <|vision_end|>, or with two if the layout is nested.
  const after = served.prompts[prompt].layout === 'nested' ? 2 : 1;
  const pad = vocabulary.blockPad;
  const ends = tokenIds.flatMap((id, i) => (id === pad && tokenIds[i + 1] !== pad ? [i + 1 + after] : []));
  const end = (blocks: number) => ends[blocks - 1] as number;
  const question = tokenIds.length - end(ends.length);
  return {
    question,
    queries: queries.map((query) => end(countBlocks(query)) + question),
    unfinished: queries.map(({ shows, own }, query) => {
      if (query === 0 || !own) return 0;
      return end(shows + 1) - (shows > 0 ? end(shows) : 0);
    }),
  };
}
