import type { AnswerTokens } from '../../schemas/reward.ts';
import type { NonEmpty } from './non-empty.ts';

/** The texts of the answers that are read, with their tokens. */
export interface ReadAnswers {
  trueTokens: NonEmpty<AnswerTokens>;
  falseTokens: NonEmpty<AnswerTokens>;
  /** The queries of every prefix that read them. The first one follows the prompt directly. */
  steps: NonEmpty<AnswerStep>;
  /** for each text, those for True first, where each of its tokens is read */
  places: TokenPlace[][];
}

/** Where a token is read: by which step, and as which of its tokens. */
interface TokenPlace {
  step: number;
  at: number;
}

/**
 * One query of every prefix. A text of several tokens needs one step for each of them; texts with the same beginning share their
 * steps.
 */
export interface AnswerStep {
  /** the tokens of an answer that follow the prompt; null for the first step */
  start: AnswerStart | null;
  /** ids of the tokens whose log probability is read, each once */
  reads: NonEmpty<number>;
}

/** The first tokens of an answer. */
export interface AnswerStart {
  text: string;
  ids: NonEmpty<number>;
}

/** A step before the text of its start is known. */
interface BareStep {
  start: readonly number[];
  reads: NonEmpty<number>;
}

/**
 * The steps that read some texts, the first one for the first token of each text.
 * @param texts at least one, each with at least one token
 */
export function answerSteps(texts: readonly Pick<AnswerTokens, 'ids'>[]): BareStep[] {
  const steps = new Map<string, BareStep>();
  for (const { ids } of texts) {
    for (const [i, id] of ids.entries()) {
      const start = ids.slice(0, i);
      const step = steps.get(nameOf(start));
      if (!step) steps.set(nameOf(start), { start, reads: [id] });
      else if (!step.reads.includes(id)) step.reads.push(id);
    }
  }
  return [...steps.values()];
}

/**
 * Where the tokens of each text are read. It is looked up once for an episode, because every prefix needs it.
 * @param steps of these texts, from `answerSteps`
 */
export function tokenPlaces(texts: readonly Pick<AnswerTokens, 'ids'>[], steps: readonly BareStep[]): TokenPlace[][] {
  const places = new Map(
    steps.flatMap(({ start, reads }, step) => reads.map((id, at) => [nameOf([...start, id]), { step, at }] as const)),
  );
  const placeOf = (ids: readonly number[]): TokenPlace => {
    const place = places.get(nameOf(ids));
    if (!place) throw new RangeError('The steps are those of other texts.');
    return place;
  };
  return texts.map(({ ids }) => ids.map((_, i) => placeOf(ids.slice(0, i + 1))));
}

/**
 * Finds a text whose tokens begin with all tokens of another one: both would count the same answer.
 * @returns the place of the longer text, and that of the shorter or equal one; undefined if there is none
 */
export function nestedTexts(
  texts: readonly Pick<AnswerTokens, 'ids'>[],
): { longer: number; shorter: number } | undefined {
  const complete = new Map<string, number>();
  for (const [place, { ids }] of texts.entries()) {
    const same = complete.get(nameOf(ids));
    if (same !== undefined) return { longer: place, shorter: same };
    complete.set(nameOf(ids), place);
  }
  for (const [longer, { ids }] of texts.entries()) {
    for (let count = 1; count < ids.length; count += 1) {
      const shorter = complete.get(nameOf(ids.slice(0, count)));
      if (shorter !== undefined) return { longer, shorter };
    }
  }
  return undefined;
}

/** A name for a list of token ids: equal lists have equal names. */
export function nameOf(ids: readonly number[]): string {
  return ids.join();
}
