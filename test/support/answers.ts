import type { IncomingHttpHeaders } from 'node:http';
import sharp from 'sharp';
import type { Test } from 'tap';
import { Compile } from 'typebox/compile';
import { LikelihoodResult } from '../../schemas/likelihood.ts';
import type { Problem } from '../../schemas/problem.ts';
import { exampleProblem } from '../../schemas/problem-examples.ts';
import { PROBLEMS, type ProblemCode } from '../../schemas/problem-kinds.ts';
import type { EpisodeResult } from '../../schemas/result.ts';
import type { RewardResult } from '../../schemas/reward.ts';

export async function rgb(file: Uint8Array): Promise<Buffer> {
  return sharp(file).raw().toBuffer();
}

export interface Answer {
  statusCode: number;
  headers: IncomingHttpHeaders | Record<string, unknown>;
  body: string;
}

/** The result in a response. Fails the test if the status is not 200. */
export function resultOf(t: Test, answer: Answer): RewardResult {
  if (answer.statusCode !== 200) t.fail(`status ${answer.statusCode}: ${answer.body}`);
  return JSON.parse(answer.body);
}

const likelihoodSchema = Compile(LikelihoodResult);

/** The result of the method `instruction_likelihood` in a response. Fails the test if it is not one as in the contract. */
export function likelihoodOf(t: Test, { statusCode, body }: Pick<Answer, 'statusCode' | 'body'>): LikelihoodResult {
  const result: unknown = JSON.parse(body);
  if (statusCode !== 200 || !likelihoodSchema.Check(result)) throw new Error(`status ${statusCode}: ${body}`);
  t.equal(result.method, 'instruction_likelihood');
  return result;
}

/** A result of the method `topreward`. @throws Error if it is of another one */
export function ofTopreward(result: EpisodeResult): RewardResult {
  if (result.method === 'topreward') return result;
  throw new Error(`The result is of the method ${result.method}.`);
}

/** A result without the members that can differ between two equal requests: times and ids. */
export function comparable({ usage: _, id: __, ...result }: RewardResult) {
  return result;
}

/**
 * Checks that a response is the expected problem, and that it has what all problems have in common.
 * @param place members that the problem must have, with their values
 */
export function isProblem(t: Test, answer: Answer, code: ProblemCode, place: Partial<Problem> = {}): Problem {
  const { status, title } = PROBLEMS[code];
  const problem: Problem = JSON.parse(answer.body);
  const expected = { type: `/problems/${code}`, title, status, code, ...place };
  const seen = Object.fromEntries(Object.keys(expected).map((name) => [name, problem[name as keyof Problem]]));
  t.strictSame(seen, expected, `${code} ${JSON.stringify(place)}`);
  t.equal(answer.statusCode, status, 'status');
  t.equal(String(answer.headers['content-type']).split(';')[0], 'application/problem+json', 'content type');
  t.ok(problem.detail, 'the problem has a detail');
  t.equal(problem.instance, answer.headers['x-request-id'], 'the instance is the request id');
  t.notMatch(answer.body, /zebra/, 'no word of the instruction is repeated');
  const known = 'type title status code detail instance pointer frame part limit retry_after_s errors missing'.split(
    ' ',
  );
  t.strictSame(
    Object.keys(problem).filter((name) => !known.includes(name)),
    [],
    'the problem has no unknown members',
  );
  if (problem.retry_after_s !== undefined) {
    t.equal(String(answer.headers['retry-after']), String(problem.retry_after_s), 'Retry-After');
    t.ok(exampleProblem(code).retry_after_s, 'the contract declares Retry-After for this problem');
  }
  return problem;
}
