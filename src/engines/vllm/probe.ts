import { randomUUID } from 'node:crypto';
import type { PromptLayout, PromptVariant } from '../../../schemas/enumerations.ts';
import type { FrameSize } from '../../../schemas/reward.ts';
import type { DefaultQuery } from '../../engine/engine.ts';
import type { ServedModel } from '../../engine/served-model.ts';
import { type Family, promptText } from '../../families/family.ts';
import type { AviEncoding } from '../../frames/avi-frame.ts';
import { jsonBody, type VllmClient } from './client.ts';
import { cachedTokens, completionBody, readLogProbs } from './completion.ts';
import { chooseEncoding, type EncodingChoice } from './encoding.ts';
import { EngineFault } from './faults.ts';
import { findLayout, vocabularyOf } from './layout.ts';
import { probeItems } from './probe-items.ts';
import { createKnownParts, type KnownParts } from './prompt-ids.ts';
import { COMPLETION, type Completion, MODELS, type Models, VERSION } from './responses.ts';
import {
  answerTokens,
  createTextsByTokens,
  createTokensByText,
  type TextsByTokens,
  type TokensByText,
  tokenize,
} from './tokenizer.ts';
import { blockStride, padsPerBlock, type Vocabulary } from './vocabulary.ts';

/** The result of a probe: what is known about the served model, and what the client of the engine needs besides. */
export interface Probed {
  served: ServedModel;
  /** tokens of answers that are known so far */
  tokens: TokensByText;
  /** texts of tokens that are known so far */
  texts: TextsByTokens;
  /** parts of prompts that are known so far */
  parts: KnownParts;
  vocabulary: Vocabulary;
  /** Encoding of the frames in an item's file. */
  encoding: AviEncoding;
  /** Changes with the engine's version and configuration. */
  fingerprint: string | null;
}

/** What to probe. */
export interface ProbeOptions {
  /** address of the engine */
  url: string;
  /** the model to use; empty for the first one that the engine serves */
  model: string;
  encoding: EncodingChoice;
  /** size of a frame at `frame_size: "reference"` */
  frame: FrameSize;
  /** how the model receives frames, by its profile */
  family: Family;
  /** the text and the answers to check */
  defaultQuery: DefaultQuery;
  /** name of the header by which a router selects an engine */
  sessionHeader: string;
  signal: AbortSignal;
}

const PROBE_BLOCKS = 4;
/**
 * A model with linear attention has states in its cache only at the ends of blocks of 528 tokens or more, which four blocks do not fill.
 */
const LONG_PROBE_BLOCKS = 32;
const PROBE_INSTRUCTION = 'Probe.';
/** More blocks than fit into a context of a million tokens at the smallest frame size. */
const PROBE_ITEM_COUNT = 4096;

/**
 * Sends test requests to find out whether the engine can serve this method, and how: tokens, layout, log probabilities
 * by token id, caches, context length and item limit.
 * @throws EngineFault with a message of one line if it cannot
 */
export async function probeEngine(
  client: VllmClient,
  { url, model: wanted, encoding: choice, frame, family, defaultQuery, sessionHeader, signal }: ProbeOptions,
): Promise<Probed> {
  const { version } = await client.get('/version', VERSION, signal);
  const { data: models } = await client.get('/v1/models', MODELS, signal);
  const model = servedName(models, wanted);
  const context = contextTokens(models, model);
  if (!context)
    throw new EngineFault('refused', 'The response to GET /v1/models lacks the context length (max_model_len).');

  const tokens = createTokensByText();
  const source = { client, model, known: tokens, signal };
  const vocabulary = await vocabularyOf(family, source);

  const encoding = await chooseEncoding(choice, url, { signal });
  const itemsFor = (blocks: number) => probeItems(blocks, { encoding, size: frame, model, family });
  const { items, times } = await itemsFor(PROBE_BLOCKS);
  // Behind a router all queries of the probe must reach the same engine, or the caches seem not to work.
  const session = { [sessionHeader]: items[0]?.uuid ?? '' };
  const ask = (prompt: PromptVariant, answers: number[], withData: boolean, shown = items) => {
    const asked = {
      model,
      text: defaultQuery.text(PROBE_INSTRUCTION, family),
      prompt,
      answerStart: '',
      read: { ids: answers },
      salt: items[0]?.uuid ?? '',
      withTokenIds: true,
    };
    const body = completionBody(asked, shown, () => withData);
    return client.post('/v1/chat/completions', body, COMPLETION, signal, session);
  };
  const probePrompt = async (prompt: PromptVariant) => {
    const [meaningTrue, meaningFalse] = defaultQuery.read(prompt).answers;
    const answers = await Promise.all([answerTokens(meaningTrue, source), answerTokens(meaningFalse, source)]);
    const ids = answers.flat().map(({ id }) => id);
    const response = await ask(prompt, ids, true);
    const tokenIds = tokenIdsOf(response);
    readLogProbs(response, ids);
    const tokensOf = (layout: PromptLayout) =>
      tokenize(
        promptText(family, times, defaultQuery.text(PROBE_INSTRUCTION, family), prompt, layout),
        client,
        model,
        signal,
      );
    const layout = await findLayout({ seen: tokenIds, prompt, family, vocabulary, tokensOf, source });
    return { response, ids, tokenIds, servedPrompt: { layout, answers } };
  };

  const open = await probePrompt('open');
  const chat = await probePrompt('chat');
  const tokensPerBlock = blockStride(open.tokenIds, PROBE_BLOCKS, vocabulary);
  const maxImages = await findItemLimit('image', client, model, signal);
  const maxBlocks = family.media === 'image' ? maxImages : await findItemLimit('video', client, model, signal);
  /** Whether a longer prompt finds its blocks in the prefix cache. */
  const sharesLongPass = async () => {
    const fitting = Math.floor(context / tokensPerBlock) - 1;
    const { items: many } = await itemsFor(Math.min(LONG_PROBE_BLOCKS, fitting, maxBlocks ?? fitting));
    await ask('open', open.ids, true, many);
    return sharesPass(await askByName(() => ask('open', open.ids, false, many)));
  };
  const isShared = sharesPass(await askByName(() => ask('open', open.ids, false)));
  return {
    vocabulary,
    tokens,
    texts: createTextsByTokens(),
    parts: createKnownParts(),
    encoding,
    fingerprint: open.response.system_fingerprint ?? null,
    served: {
      engine: { name: 'vllm', version },
      family,
      model,
      about: null,
      prompts: { open: open.servedPrompt, chat: chat.servedPrompt },
      onePass: isShared === false ? await sharesLongPass() : isShared,
      referenceFrame: frame,
      frameSizes: family.frameSizes,
      frameEncoding: encoding,
      calibration: null,
      contextTokens: context,
      maxBlocks,
      tokensPerBlock,
      generation: generationBy(maxImages, padsPerBlock(open.tokenIds, PROBE_BLOCKS, vocabulary.blockPad)),
    },
  };
}

/** @throws EngineFault refused, if the engine does not serve the requested model, or serves none */
function servedName(models: Models['data'], wanted: string): string {
  const found = wanted ? models.find(({ id }) => id === wanted) : models[0];
  if (found) return found.id;
  const lack = wanted ? `It does not serve the model ${wanted} (ENGINE_MODEL).` : 'It serves no model.';
  const words = models
    .map(({ id }) => id)
    .join(', ')
    .slice(0, 300);
  throw new EngineFault('refused', `${lack} GET /v1/models of the engine lists the models that it serves.`, { words });
}

/**
 * Longest prompt of a served model, in tokens. A LoRA adapter has the base model's.
 * @returns undefined if no model tells
 */
export function contextTokens(models: Models['data'], model: string): number | undefined {
  const own = models.find(({ id }) => id === model)?.max_model_len;
  return own ?? models.find(({ max_model_len: length }) => length)?.max_model_len ?? undefined;
}

/**
 * Tells whether a query that only named its blocks found them in the prefix cache.
 * @param again the response to that query; null if the engine does not keep items
 * @returns null if the engine does not report cached tokens
 */
function sharesPass(again: Completion | null): boolean | null {
  if (again === null) return false;
  const cached = cachedTokens(again);
  return cached === null ? null : cached > 0;
}

/** @throws EngineFault refused, if the response lacks the token ids of its prompt */
function tokenIdsOf({ prompt_token_ids: ids }: Completion): number[] {
  if (!ids) throw new EngineFault('refused', 'It does not return the token ids of a prompt. Use vLLM 0.26 or newer.');
  return ids;
}

/** Sends the same query with names only. @returns null if the engine keeps no items */
async function askByName(ask: () => Promise<Completion>): Promise<Completion | null> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof EngineFault && error.kind === 'cache-miss') return null;
    throw error;
  }
}

/** @throws EngineFault the fault itself, if it does not name the limit */
function itemLimitOf(fault: EngineFault): number {
  const [limit] = fault.numbers;
  if (limit === undefined) throw fault;
  return limit;
}

/** What a limit of images per prompt means. */
function generationBy(maxImages: number | null, tokensPerImage: number): ServedModel['generation'] {
  if (maxImages !== 0) return { maxImages, tokensPerImage };
  const unavailable =
    'vLLM was started without images. Add "image" to --limit-mm-per-prompt, as docker/vllm/start.sh does.';
  return { unavailable };
}

/**
 * Finds the limit of items, or of images, per prompt: sends more than any episode has, with random names. The engine
 * counts them before it looks them up.
 * @returns null if only the context limits them
 */
async function findItemLimit(
  kind: 'video' | 'image',
  client: VllmClient,
  model: string,
  signal: AbortSignal,
): Promise<number | null> {
  const content = Array.from({ length: PROBE_ITEM_COUNT }, () => ({
    type: `${kind}_url`,
    uuid: randomUUID(),
    [`${kind}_url`]: null,
  }));
  const body = jsonBody({ model, messages: [{ role: 'user', content }], max_tokens: 1 });
  try {
    await client.post('/v1/chat/completions', body, COMPLETION, signal);
    return null;
  } catch (error) {
    if (!(error instanceof EngineFault)) throw error;
    if (error.kind === 'items' || error.kind === 'images') return itemLimitOf(error);
    if (error.kind === 'cache-miss' || error.kind === 'context') return null;
    throw error;
  }
}
