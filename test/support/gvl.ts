import type { FastifyInstance } from 'fastify';
import sharp from 'sharp';
import type { Test } from 'tap';
import { Compile } from 'typebox/compile';
import { GvlResult } from '../../schemas/gvl.ts';
import { startService } from '../engines/vllm/support.ts';
import type { Answer } from './answers.ts';
import type { Asked, Behaviour } from './fake-vllm.ts';
import { postEpisode } from './forms.ts';
import { readiness } from './readiness.ts';
import { EPISODE } from './stub-engine.ts';

/** An episode without options of its own. */
export const GVL_EPISODE = { ...EPISODE, method: 'gvl' };

/** Starts the service with a fake vLLM, and waits until it is ready. */
export async function startGvl(t: Test, behaviour: Partial<Behaviour> = {}, env: Record<string, string> = {}) {
  const service = await startService(t, behaviour, env);
  await readiness(service.app, 200);
  return service;
}

/** Posts an episode of the method `gvl`. @param more options in addition to the instruction, the clock and the method */
export function postGvl(app: FastifyInstance, files: Buffer[], more: object = {}): Promise<Answer> {
  return postEpisode(app, { ...GVL_EPISODE, ...more }, files);
}

const schema = Compile(GvlResult);

/** The result of the method `gvl` in a response. @throws Error if it is not one as in the contract */
export function gvlOf({ statusCode, body }: Pick<Answer, 'statusCode' | 'body'>): GvlResult {
  const result: unknown = JSON.parse(body);
  if (statusCode !== 200 || !schema.Check(result)) throw new Error(`status ${statusCode}: ${body.slice(0, 500)}`);
  return result;
}

/** What the model writes in the format of the prompt. @param percentages of Frame 1, Frame 2, … */
export function writtenText(percentages: number[]): string {
  return percentages.map((value, i) => `Frame ${i + 1}: Task Completion Percentages:${value}%`).join('\n');
}

/** The percentages of a curve in time, in the order in which its frames are shown. @param curve by raw frame number */
export function writtenCurve(order: number[], curve: (frame: number) => number): string {
  return writtenText(order.map(curve));
}

/** The pixels of each image that reached the engine, in order: RGB, row by row. */
export function shownPixels({ images }: Asked): Promise<Buffer[]> {
  return Promise.all(
    images.map(({ data }) => {
      const file = Buffer.from(data?.replace('data:image/png;base64,', '') ?? '', 'base64');
      return sharp(file).raw().toBuffer();
    }),
  );
}
