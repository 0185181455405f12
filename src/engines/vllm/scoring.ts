import type { TopAnswer } from '../../../schemas/reward.ts';
import type { Reading, ScoreRequest } from '../../engine/engine.ts';
import { framesMissing } from '../../engine/frames-missing.ts';
import { setLogProbs } from '../../engine/log-probs.ts';
import { renderFrames } from '../../engine/render-frames.ts';
import type { EngineFrame } from '../../frames/rendered.ts';
import { type AnswerStart, nameOf } from '../../plan/answer-steps.ts';
import { checkTextLength, tooLong } from '../../plan/context.ts';
import { blocksOf, countBlocks, type EpisodePlan, type Query } from '../../plan/plan.ts';
import { ProblemError } from '../../problems/problems.ts';
import { freeBytes } from '../../process/free-bytes.ts';
import { inOrderOfSettling } from '../../process/settled.ts';
import { cachedTokens, completionBody, readLogProbs, readTop, type TokensToRead } from './completion.ts';
import { EngineFault } from './faults.ts';
import { cacheSalt, itemsOf } from './items.ts';
import type { Monitor } from './monitor.ts';
import type { Probed } from './probe.ts';
import { faultProblem } from './problems.ts';
import { querySender, type VllmParts } from './queries.ts';
import { COMPLETION, type Completion } from './responses.ts';
import { answerIds, textOf } from './tokenizer.ts';
import { layoutOf, padsPerBlock, textTokens } from './vocabulary.ts';

/**
 * Scores an episode in one pass. The longest prefix goes first, with data. All others then go in parallel and only name
 * its blocks, so the engine computes no more for each of them than its unfinished block and the prompt text after the
 * blocks.
 * @throws ProblemError if a query cannot be scored; the signal's reason when it aborts
 */
export async function* runQueries(request: ScoreRequest, context: VllmParts): AsyncGenerator<Reading> {
  const { plan, usage } = request;
  const probed = context.monitor.ready();
  const stop = new AbortController();
  const signal = AbortSignal.any([request.signal, stop.signal]);
  const groups = await renderFrames({ ...request, signal }, plan.frameGroups, probed.encoding);
  const started = performance.now();
  const ask = asker({ ...request, signal }, context, probed, groups);
  try {
    const [longest, ...shorter] = plan.queries;
    yield await ask(longest, 0);
    yield* inOrderOfSettling(shorter.map((each, i) => ask(each, i + 1)));
  } catch (error) {
    throw lostFrames(error, plan, groups) ?? problemOf(error, request, context.monitor);
  } finally {
    stop.abort();
    for (const { bytes } of groups.flatMap((frames) => [...frames.values()])) if (bytes) freeBytes(bytes);
    usage.engineMs += performance.now() - started;
  }
}

function asker(
  { plan, frames: { size: source }, tenant, pointer, episodePointer, signal, usage }: ScoreRequest,
  context: VllmParts,
  probed: Probed,
  groups: ReadonlyMap<number, EngineFrame>[],
): (each: Query, query: number) => Promise<Reading> {
  const { client, secret } = context;
  const { profile, tokens, texts, vocabulary, encoding } = probed;
  const { model } = profile;
  const itemsIn = plan.frameGroups.map((group, i) =>
    itemsOf(groups[i] ?? new Map(), { secret, tenant, model, encoding, source, group }),
  );
  const items = (each: Query) => blocksOf(plan, each).flatMap((block) => itemsIn[each.frameGroup]?.(block) ?? []);
  const salt = cacheSalt(secret, tenant);
  const [first] = items(plan.queries[0]);
  if (!first) throw new Error('The longest query of the plan has no block.');
  const send = querySender({ tenant, signal, usage }, context, probed, first.uuid);

  async function ask(each: Query, read: TokensToRead): Promise<Completion> {
    const isFirst = each === plan.queries[0] && 'ids' in read;
    // No longer prefix has sent a block that only this query has.
    const isSent = 'top' in read;
    const { start } = each.read;
    const withTokenIds = isFirst || start !== undefined;
    const common = { model, text: each.text, answerStart: start?.text ?? '', prompt: plan.prompt };
    const asked = { ...common, read, salt, withTokenIds };
    return send(COMPLETION, (withAllData) =>
      completionBody(asked, items(each), (block) => withAllData || isFirst || (!isSent && block >= each.shows)),
    );
  }

  /** The most likely next tokens. vLLM returns them only to a query of their own. */
  async function askTop(each: Query, count: number): Promise<{ tokens: TopAnswer[]; answer: Completion }> {
    const answer = await ask(each, { top: count });
    const tokens: TopAnswer[] = [];
    for (const { id, logProb } of readTop(answer, count))
      tokens.push({ text: await textOf([id], { client, model, texts, signal }), id, log_prob: logProb });
    return { tokens, answer };
  }

  /** ids of the prompt text after the blocks, from the longest query */
  let textIds: number[] = [];

  /** Checks that the tokens of an answer follow the prompt unchanged. @throws ProblemError invalid-answers */
  function checkContinued({ text, ids }: AnswerStart, found: number[]): void {
    if (nameOf(found) === nameOf([...textIds, ...ids])) return;
    const detail = `After the prompt, the model’s tokenizer makes other tokens of ${JSON.stringify(text)}. Send texts that begin with another token, or that have one token each.`;
    throw new ProblemError('invalid-answers', detail, { pointer: `${episodePointer}/answers` });
  }

  return async (each, query) => {
    const source = { client, model, known: tokens, signal };
    const sets = await answerIds(each.read, source);
    const ids = sets.flat();
    const answer = await ask(each, { ids });
    const reading = {
      query,
      values: setLogProbs(
        readLogProbs(answer, ids),
        sets.map((set) => set.length),
      ),
      promptTokens: answer.usage.prompt_tokens,
      cachedTokens: cachedTokens(answer),
    };
    const { start } = each.read;
    if (query > 0 && !start) return reading;
    const prompted = answer.prompt_token_ids;
    if (!prompted) throw new EngineFault('unusable', 'The response lacks the token ids of its prompt.');
    if (start) {
      checkContinued(start, textTokens(prompted, vocabulary));
      return reading;
    }
    const prompt = {
      layout: layoutOf(prompted, countBlocks(plan.queries[0]), vocabulary),
      videoTokensPerBlock: padsPerBlock(prompted, vocabulary),
    };
    // This check comes before the other queries, because each of them computes this text again.
    textIds = textTokens(prompted, vocabulary);
    checkTextLength(textIds.length, pointer);
    const seen = { ...reading, prompt: { ...prompt, tokenIds: prompted } };
    if (each.read.top === undefined) return seen;
    const top = await askTop(each, each.read.top);
    const cached = cachedTokens(top.answer);
    return {
      ...seen,
      top: top.tokens,
      promptTokens: reading.promptTokens + top.answer.usage.prompt_tokens,
      cachedTokens: reading.cachedTokens === null || cached === null ? null : reading.cachedTokens + cached,
    };
  };
}

/**
 * Makes the problem for blocks that a growing episode names and the engine has lost. The engine reports one lost item
 * only. So the problem lists every frame without pixels, and the caller needs one more request, not one for each frame.
 * @returns undefined for other faults
 */
function lostFrames(error: unknown, { blocks, queries }: EpisodePlan, groups: ReadonlyMap<number, EngineFrame>[]) {
  // If vLLM still returns status 500 after a retry with all data, it may have lost an item of which it has a stale
  // entry.
  const lost = error instanceof EngineFault && ['cache-miss', 'internal'].includes(error.kind);
  // Only a plan with one group can name frames without sending them.
  const [frames] = groups;
  return lost && frames && groups.length === 1
    ? framesMissing(frames, [...blocks, ...queries.flatMap(({ own }) => own)])
    : undefined;
}

/** Makes the problem for a fault. The engine's own text goes to the log only. */
function problemOf(error: unknown, { plan, episodePointer }: ScoreRequest, monitor: Monitor): unknown {
  if (!(error instanceof EngineFault)) return error;
  const [longest] = plan.queries;
  switch (error.kind) {
    case 'context': {
      const [a = 0, b = 0] = error.numbers;
      const share = Math.min(a, b) / Math.max(a, b);
      return tooLong(longest.framesUsed, Math.max(2, 2 * Math.floor(countBlocks(longest) * share - 1)), error);
    }
    case 'items':
      return tooLong(longest.framesUsed, 2 * (error.numbers[0] ?? 0), error);
    case 'top': {
      const [limit = 0] = error.numbers;
      const detail = `The engine returns at most ${limit} of the most likely tokens (--max-logprobs of vLLM). Send a smaller \`top_answers\`.`;
      return new ProblemError('invalid-answers', detail, { pointer: `${episodePointer}/top_answers`, limit }, error);
    }
    case 'unreachable':
      monitor.suspect();
      return faultProblem(error);
    default:
      return faultProblem(error);
  }
}
