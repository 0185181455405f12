import type { TopAnswer } from '../../../schemas/reward.ts';
import type { Reading, ScoreRequest } from '../../engine/engine.ts';
import { setLogProbs } from '../../engine/log-probs.ts';
import type { AnswerStart } from '../../plan/answer-steps.ts';
import type { Query, ReadNext } from '../../plan/plan.ts';
import { ProblemError } from '../../problems/problems.ts';
import type { Ask } from './asking.ts';
import { readLogProbs, tokensOf } from './completion.ts';
import { likelyTokens } from './likely-tokens.ts';
import type { Probed } from './probe.ts';
import { promptCheck } from './prompt-check.ts';
import { promptIds } from './prompt-ids.ts';
import type { VllmParts } from './queries.ts';
import { textReader } from './text-reading.ts';
import { answerIds, textOf } from './tokenizer.ts';

/**
 * Makes the function that reads a query of one episode. The longest query, number 0, must be read before the others begin.
 * @param ask sends a query
 */
export function queryReader(
  { plan, tenant, pointer, episodePointer, signal }: ScoreRequest,
  context: VllmParts,
  { served: { model, family }, tokens: known, texts, parts, vocabulary }: Probed,
  ask: Ask,
): (each: Query, query: number) => Promise<Reading> {
  const tokenizer = { client: context.tokenizer(tenant), model, known, texts, signal };
  const block = { text: family.blockToken, id: vocabulary.blockPad };
  const tokensOfPrompt = (text: string) => promptIds(text, { ...tokenizer, block, parts, tenant });
  const check = promptCheck({ plan, family, vocabulary, pointer, tokensOf: tokensOfPrompt });
  const readText = textReader({ ask, check, tokenizer, pointer });

  /** Reads the next token, and the most likely ones if the query wants them. vLLM returns these only to a query of their own. */
  async function readNext(each: Query, read: ReadNext, isFirst: boolean): Promise<Omit<Reading, 'query'>> {
    const sets = await answerIds(read, tokenizer);
    const ids = sets.flat();
    const start = read.start ?? null;
    const answer = await ask(each, { read: { ids }, start, data: isFirst ? 'all' : 'own' });
    const sizes = sets.map((set) => set.length);
    const reading = { values: setLogProbs(readLogProbs(answer, ids), sizes), ...tokensOf([answer]) };
    if (start) {
      if (!check.continues(each, start, answer)) throw startNotContinued(start, `${episodePointer}/answers`);
      return reading;
    }
    if (!isFirst) {
      check.checkLength(each, answer);
      return reading;
    }
    const prompt = await check.seen(each, answer);
    if (read.top === undefined) return { ...reading, prompt };
    const { likely, answers } = await likelyTokens(ask, each, read.top);
    for (const further of answers) check.checkLength(each, further);
    const top: TopAnswer[] = [];
    for (const { id, logProb } of likely) top.push({ text: await textOf([id], tokenizer), id, log_prob: logProb });
    return { ...reading, ...tokensOf([answer, ...answers]), prompt, top };
  }

  return async (each, query) => {
    const { read } = each;
    const reading = 'follows' in read ? readText(each, read, query === 0) : readNext(each, read, query === 0);
    return { query, ...(await reading) };
  };
}

function startNotContinued({ text }: AnswerStart, pointer: string): ProblemError {
  const detail = `After the prompt, the model’s tokenizer makes other tokens of ${JSON.stringify(text)}. Send texts that begin with another token, or that have one token each.`;
  return new ProblemError('invalid-answers', detail, { pointer });
}
