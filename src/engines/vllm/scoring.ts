import type { TopAnswer } from '../../../schemas/reward.ts';
import type { Reading, ScoreRequest, SeenPrompt } from '../../engine/engine.ts';
import { framesMissing } from '../../engine/frames-missing.ts';
import { setLogProbs } from '../../engine/log-probs.ts';
import { renderFrames } from '../../engine/render-frames.ts';
import type { EngineFrame } from '../../frames/rendered.ts';
import { type AnswerStart, nameOf } from '../../plan/answer-steps.ts';
import { checkTextLength, tooLong } from '../../plan/context.ts';
import type { NonEmpty } from '../../plan/non-empty.ts';
import {
  blocksOf,
  countBlocks,
  type EpisodePlan,
  idsToRead,
  type Query,
  type ReadNext,
  type ReadText,
} from '../../plan/plan.ts';
import { ProblemError } from '../../problems/problems.ts';
import { freeBytes } from '../../process/free-bytes.ts';
import { inOrderOfSettling } from '../../process/settled.ts';
import { cachedTokens, completionBody, readLast, readLogProbs, readTop, type TokensToRead } from './completion.ts';
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
  const { secret } = context;
  const tokenizer = context.tokenizer(tenant);
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

  async function ask(each: Query, { read, start, data }: Question): Promise<Completion> {
    const withTokenIds = data === 'all' || start !== null;
    const common = { model, text: each.text, answerStart: start?.text ?? '', prompt: plan.prompt };
    const asked = { ...common, read, salt, withTokenIds };
    const withData = (block: number) => data === 'all' || (data === 'own' && block >= each.shows);
    return send(COMPLETION, (withAllData) =>
      completionBody(asked, items(each), (block) => withAllData || withData(block)),
    );
  }

  /** Token ids of the prompt text after the blocks, by the text: from the first query that has it. */
  const textIds = new Map<string, number[]>();

  /** Whether the tokens that a query was sent with follow its prompt unchanged. */
  function continues({ text }: Query, { ids }: AnswerStart, { prompt_token_ids: prompted }: Completion): boolean {
    if (!prompted) throw new EngineFault('unusable', 'The response lacks the token ids of its prompt.');
    return nameOf(textTokens(prompted, vocabulary)) === nameOf([...(textIds.get(text) ?? []), ...ids]);
  }

  /** The prompt of the longest query as the model received it. Its text is checked before the other queries compute it again. */
  function seenPrompt({ text }: Query, { prompt_token_ids: tokenIds }: Completion): SeenPrompt {
    if (!tokenIds) throw new EngineFault('unusable', 'The response lacks the token ids of its prompt.');
    const prompt = {
      layout: layoutOf(tokenIds, countBlocks(plan.queries[0]), vocabulary),
      videoTokensPerBlock: padsPerBlock(tokenIds, vocabulary),
    };
    const ids = textTokens(tokenIds, vocabulary);
    checkTextLength(ids.length, pointer);
    textIds.set(text, ids);
    return { ...prompt, tokenIds };
  }

  /** Reads the next token, and the most likely ones if the query wants them. vLLM returns these only to a query of their own. */
  async function readNext(each: Query, read: ReadNext, isFirst: boolean): Promise<Omit<Reading, 'query'>> {
    const sets = await answerIds(read, { client: tokenizer, model, known: tokens, signal });
    const ids = sets.flat();
    const start = read.start ?? null;
    const answer = await ask(each, { read: { ids }, start, data: isFirst ? 'all' : 'own' });
    const sizes = sets.map((set) => set.length);
    const reading = { values: setLogProbs(readLogProbs(answer, ids), sizes), ...tokensOf([answer]) };
    if (start && !continues(each, start, answer)) throw startNotContinued(start, `${episodePointer}/answers`);
    if (!isFirst) return reading;
    const prompt = seenPrompt(each, answer);
    if (read.top === undefined) return { ...reading, prompt };
    const likely = await ask(each, { read: { top: read.top }, start: null, data: 'none' });
    const top: TopAnswer[] = [];
    for (const { id, logProb } of readTop(likely, read.top))
      top.push({ text: await textOf([id], { client: tokenizer, model, texts, signal }), id, log_prob: logProb });
    return { ...reading, ...tokensOf([answer, likely]), prompt, top };
  }

  /**
   * Reads all tokens of a text but the first, in one query for each place.
   * @returns undefined if the tokenizer makes other tokens of the text when it is cut between them
   */
  async function readSteps(each: Query, read: ReadText): Promise<Completion[] | undefined> {
    const [first, ...others] = read.follows.ids;
    const [, ...places] = idsToRead(read);
    const starts: AnswerStart[] = [];
    for (const place of places.keys()) {
      const ids: NonEmpty<number> = [first, ...others.slice(0, place)];
      starts.push({ ids, text: await textOf(ids, { client: tokenizer, model, texts, signal }) });
    }
    const steps = starts.map(async (start, place) => {
      const ids = places[place] ?? [];
      const answer = await ask(each, { read: { ids }, start, data: 'none' });
      return continues(each, start, answer) ? answer : undefined;
    });
    const answers = (await Promise.all(steps)).filter((answer) => answer !== undefined);
    return answers.length === places.length ? answers : undefined;
  }

  /** The steps of the first query that read a text. Whether a text can be cut does not depend on the query. */
  const firstSteps = new Map<string, ReturnType<typeof readSteps>>();

  /** The same, but for a text that cannot be cut only the first query tries it, and the others wait for that. */
  async function readCut(each: Query, read: ReadText): Promise<Completion[] | undefined> {
    const { text } = read.follows;
    const known = firstSteps.get(text);
    if (known && !(await known)) return undefined;
    const steps = readSteps(each, read);
    if (!known) firstSteps.set(text, steps);
    return steps;
  }

  /**
   * Reads each token of a text: one query for each, with the tokens before it after the prompt. All queries except the first compute only
   * these few tokens. If the tokenizer makes other tokens of a text that is cut there, one query for each text computes the complete
   * prompt instead.
   */
  async function readText(each: Query, read: ReadText, isFirst: boolean): Promise<Omit<Reading, 'query'>> {
    const places = idsToRead(read);
    const first = await ask(each, { read: { ids: places[0] }, start: null, data: isFirst ? 'all' : 'own' });
    const prompt = isFirst ? { prompt: seenPrompt(each, first) } : {};
    const answers = await readCut(each, read);
    if (answers) {
      const values = [first, ...answers].flatMap((answer, i) => readLogProbs(answer, places[i] ?? []));
      return { values, ...tokensOf([first, ...answers]), ...prompt };
    }
    const length = first.usage.prompt_tokens + places.length;
    if (length > MOST_READ_WHOLE) throw tooLongToRead(length, pointer);
    const { follows, or } = read;
    const whole = await readWhole(each, follows);
    const other = or && (await readWhole(each, or));
    return {
      values: [...readLast(whole, follows.ids), ...(other ? readLast(other, or.ids.slice(-1)) : [])],
      ...tokensOf([first, whole, ...(other ? [other] : [])]),
      ...prompt,
    };
  }

  /** Reads all tokens of a text in one query, which computes the complete prompt. */
  async function readWhole(each: Query, text: ReadText['follows']): Promise<Completion> {
    const whole = await ask(each, { read: { last: text.ids }, start: text, data: 'none' });
    if (continues(each, text, whole)) return whole;
    throw textNotContinued(pointer);
  }

  return async (each, query) => {
    const { read } = each;
    const reading = 'follows' in read ? readText(each, read, query === 0) : readNext(each, read, query === 0);
    return { query, ...(await reading) };
  };
}

/** One query in the form that is sent. */
interface Question {
  read: TokensToRead;
  /** tokens that follow the prompt; null for none */
  start: AnswerStart | null;
  /** Blocks that are sent with their data: all of the episode; those that only this query has; none, because they were sent before. */
  data: 'all' | 'own' | 'none';
}

function startNotContinued({ text }: AnswerStart, pointer: string): ProblemError {
  const detail = `After the prompt, the model’s tokenizer makes other tokens of ${JSON.stringify(text)}. Send texts that begin with another token, or that have one token each.`;
  return new ProblemError('invalid-answers', detail, { pointer });
}

function textNotContinued(pointer: string): ProblemError {
  const detail =
    'The model’s tokenizer makes other tokens of the instruction in the complete prompt than after the text before it. Send other words.';
  return new ProblemError('invalid-request', detail, { pointer });
}

/**
 * Most tokens of a prompt whose own log probabilities are read. It computes one number for each of them and each token of the
 * vocabulary at once, 2 GB for 2,048 of them with Qwen3's, and does not reserve memory for that when it starts.
 */
const MOST_READ_WHOLE = 2048;

function tooLongToRead(length: number, pointer: string): ProblemError {
  const detail = `The model’s tokenizer splits a character of the instruction into several tokens, as it does with many emoji. Their log probabilities can be read up to a prompt of ${MOST_READ_WHOLE} tokens; this one has ${length}. Send an instruction without such characters, or a shorter episode.`;
  return new ProblemError('invalid-request', detail, { pointer, limit: MOST_READ_WHOLE });
}

/** Tokens of some prompts together. */
function tokensOf(answers: Completion[]): Pick<Reading, 'promptTokens' | 'cachedTokens'> {
  const cached = answers.map(cachedTokens);
  return {
    promptTokens: answers.reduce((sum, { usage }) => sum + usage.prompt_tokens, 0),
    cachedTokens: cached.includes(null) ? null : cached.reduce<number>((sum, tokens) => sum + (tokens ?? 0), 0),
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
