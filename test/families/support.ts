import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ImagesProfile } from '../../src/families/profile.ts';
import { atReferenceSize, synthetic } from '../real/support.ts';
import { askOracle, type Case, environment, type OracleAnswer } from '../support/oracle.ts';

/** Largest permitted difference from transformers on the same checkpoint, in nats. */
export const TOLERANCE = 1e-4;

/** The profile of the model that is served, from MODEL_PROFILE. */
export const PROFILE = JSON.parse(
  await readFile(new URL(`../../models/profiles/${environment('MODEL_PROFILE')}.json`, import.meta.url), 'utf8'),
) as ImagesProfile;

/** The chat template of the checkpoint. */
export const TEMPLATE = join(environment('CHECKPOINT'), 'chat_template.jinja');

/** Runs the oracle for models that receive each frame as an image. */
export function askImagesOracle(cases: Case[]): Promise<Map<string, OracleAnswer>> {
  return askOracle(cases, undefined, undefined, { time: PROFILE.prompt.time });
}

/** An episode of a moving square, at 2 fps. */
export async function made(count: number, more: Partial<Case> = {}): Promise<Case> {
  const files = await atReferenceSize(await synthetic(count, 40 + count));
  return { name: `${count} frames`, files, fps: 2, instruction: 'Put the red block into the blue box.', ...more };
}

/** What transformers calculated for a case. @throws Error if it calculated nothing */
export function resultOf(oracle: Map<string, OracleAnswer>, name: string): OracleAnswer {
  const found = oracle.get(name);
  if (found) return found;
  throw new Error(`The oracle has no result for ${name}.`);
}
