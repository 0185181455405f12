import type { Generated, GenerationRequest } from '../../engine/engine.ts';
import { framesMissing } from '../../engine/frames-missing.ts';
import { renderFrames } from '../../engine/render-frames.ts';
import { generationText } from '../../families/family.ts';
import type { EngineFrame } from '../../frames/rendered.ts';
import { shownFrames } from '../../plan/generation.ts';
import { ProblemError } from '../../problems/problems.ts';
import { freeBytes } from '../../process/free-bytes.ts';
import { cachedTokens } from './completion.ts';
import { EngineFault } from './faults.ts';
import { generationBody } from './generation-body.ts';
import { cacheSalt, imagesOf, sessionOf } from './items.ts';
import type { Probed } from './probe.ts';
import { faultProblem } from './problems.ts';
import { querySender, type VllmParts } from './queries.ts';
import { GENERATION, type Generation } from './responses.ts';
import { tokenIdsOf, tokenize } from './tokenizer.ts';
import { isSamePrompt } from './vocabulary.ts';

/**
 * Lets the model write a text after one turn of the user, which has texts and images.
 * @throws ProblemError if there is no complete response; the signal's reason when it aborts
 */
export async function generateText(request: GenerationRequest, context: VllmParts): Promise<Generated> {
  const { plan, usage, episodePointer } = request;
  const probed = context.monitor.ready(request.served);
  const { generation } = probed.served;
  if ('unavailable' in generation)
    throw new ProblemError('method-unsupported', generation.unavailable, { pointer: `${episodePointer}/method` });
  const shown = shownFrames(plan.parts);
  if (generation.maxImages !== null && shown.length > generation.maxImages)
    throw tooManyImages(shown.length, generation.maxImages);
  let frames: ReadonlyMap<number, EngineFrame> = new Map();
  try {
    const prompt = await timed(usage, () => expectedPrompt(request, context, probed, generation.tokensPerImage));
    const session = sessionOf(context.secret, request.tenant, await request.frames.origin());
    frames = await render(request);
    const place = await context.texts.enter({ tenant: request.tenant }, request.signal);
    usage.queuedMs += place.waitedMs;
    try {
      return await timed(usage, () => ask(request, context, probed, { frames, session }, prompt));
    } finally {
      place.release();
    }
  } catch (error) {
    throw lostFrames(error, frames, shown) ?? problemOf(error, shown.length, context);
  } finally {
    for (const { bytes } of frames.values()) if (bytes) freeBytes(bytes);
  }
}

/** Adds the time of some work to that of the engine. */
async function timed<Result>(usage: GenerationRequest['usage'], work: () => Promise<Result>): Promise<Result> {
  const started = performance.now();
  try {
    return await work();
  } finally {
    usage.engineMs += performance.now() - started;
  }
}

async function render(request: GenerationRequest): Promise<Map<number, EngineFrame>> {
  const groups = await renderFrames(request, request.plan.frameGroups, 'png-file');
  return groups[0] ?? new Map();
}

/** A prompt before it is sent. */
interface ExpectedPrompt {
  /** token ids, with one token in the place of each image's */
  tokenIds: number[];
  /** how many tokens the text may have */
  maxTokens: number;
}

/**
 * Counts the tokens of the prompt, before a frame is decoded.
 * @throws ProblemError instruction-too-long or context-exceeded, if the context has no room for a text
 */
async function expectedPrompt(
  { plan, tenant, pointer, signal }: GenerationRequest,
  { tokenizer }: VllmParts,
  { served: { family, model, contextTokens }, vocabulary: { imagePad }, tokens: known }: Probed,
  tokensAtReference: number,
): Promise<ExpectedPrompt> {
  const tokenIds = await tokenize(generationText(family, plan.parts), tokenizer(tenant), model, signal);
  const images = shownFrames(plan.parts).length;
  const source = { client: tokenizer(tenant), model, known, signal };
  const markup = (await tokenIdsOf(family.imageText, source)).filter((id) => id !== imagePad).length;
  // The token ids have one token for each run of an image's tokens.
  const textTokens = tokenIds.filter((id) => id !== imagePad).length - images * markup;
  const tokensPerImage = markup + (family.imageTokens(plan.frameGroups[0].size) ?? tokensAtReference);
  const room = contextTokens - textTokens - images * tokensPerImage;
  if (room >= 1) return { tokenIds, maxTokens: Math.min(plan.maxTokens, room) };
  const fitting = Math.floor((contextTokens - textTokens - 1) / tokensPerImage);
  if (fitting < 1) {
    const detail = `The prompt text with this instruction has ${textTokens} tokens; the model’s context has ${contextTokens}. Send a shorter instruction.`;
    throw new ProblemError('instruction-too-long', detail, { pointer, limit: contextTokens });
  }
  throw tooManyImages(images, fitting);
}

async function ask(
  { plan, frames: { size: source }, tenant, signal, usage }: GenerationRequest,
  context: VllmParts,
  probed: Probed,
  { frames, session }: { frames: ReadonlyMap<number, EngineFrame>; session: string },
  { tokenIds, maxTokens }: ExpectedPrompt,
): Promise<Generated> {
  const { secret } = context;
  const { model } = probed.served;
  const [group] = plan.frameGroups;
  const imageOf = imagesOf(frames, { secret, tenant, model, encoding: 'png', source, group });
  const parts = plan.parts.map((part) => ('text' in part ? part.text : imageOf(part.frame)));
  const salt = cacheSalt(secret, tenant);
  const send = querySender({ tenant, signal, usage }, context, probed, session);
  const body = generationBody(parts, { model, maxTokens, schema: plan.schema, salt });
  const answer = await send(GENERATION, () => body);
  checkPrompt(answer, tokenIds, probed);
  const [{ message, finish_reason: finish }] = answer.choices;
  return {
    text: message.content,
    finish,
    promptTokens: answer.usage.prompt_tokens,
    generatedTokens: answer.usage.completion_tokens,
    cachedTokens: cachedTokens(answer),
    promptTokenIds: answer.prompt_token_ids,
  };
}

/**
 * Compares the prompt that the model received with the text of the prompt, token for token.
 * @throws EngineFault unusable, if they differ
 */
function checkPrompt(
  { prompt_token_ids: seen, usage }: Generation,
  expected: number[],
  {
    vocabulary: { imagePad },
    served: {
      family: { name, media },
    },
  }: Probed,
): void {
  if (seen.length !== usage.prompt_tokens)
    throw new EngineFault('unusable', 'The response has another number of prompt tokens than of their ids.');
  if (isSamePrompt(seen, expected, imagePad)) return;
  const advice = `Start vLLM with the chat template of the profile ${name}${media === 'video' ? ': --chat-template docker/vllm/chat_template.jinja' : ''}.`;
  throw new EngineFault('unusable', `The prompt with images has another layout than the text. ${advice}`);
}

/** Makes the problem for frames that a growing episode names and the engine does not have. @returns undefined for other faults */
function lostFrames(error: unknown, frames: ReadonlyMap<number, EngineFrame>, shown: number[]) {
  const lost = error instanceof EngineFault && ['cache-miss', 'internal'].includes(error.kind);
  const named = shown.map((frame) => ({ frames: [frame] as const }));
  return lost && frames.size > 0 ? framesMissing(frames, named) : undefined;
}

/** Makes the problem for a fault. The engine's own text goes to the log only. */
function problemOf(error: unknown, images: number, { monitor }: VllmParts): unknown {
  if (!(error instanceof EngineFault)) return error;
  switch (error.kind) {
    case 'images': {
      const [limit = 0] = error.numbers;
      return limit > 0
        ? tooManyImages(images, limit, error)
        : faultProblem(new EngineFault('refused', error.message, { cause: error }));
    }
    case 'context': {
      const [a = 0, b = 0] = error.numbers;
      return tooManyImages(images, Math.max(1, Math.floor((images * Math.min(a, b)) / Math.max(a, b)) - 1), error);
    }
    case 'unreachable':
      monitor.suspect();
      return faultProblem(error);
    default:
      return faultProblem(error);
  }
}

/** The problem of a prompt whose images do not fit. */
function tooManyImages(images: number, fitting: number, cause?: unknown): ProblemError {
  const detail = `The prompt has ${images} images; about ${fitting} fit. Show fewer frames.`;
  return new ProblemError('context-exceeded', detail, { limit: fitting }, cause);
}
