import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { REFERENCE_SIDE } from '../../schemas/defaults.ts';

/** One episode for both the oracle and the service. */
export interface Case {
  name: string;
  files: Buffer[];
  fps: number;
  instruction: string;
  prompt?: 'open' | 'chat';
  /** texts that are read, instead of True and False */
  answers?: { true: string[]; false: string[] };
  /** how many of the most likely next tokens of the longest prefix are returned */
  top?: number;
  /** number of prefixes; the default is 15 */
  count?: number;
  /** these prefix lengths instead of a count */
  lengths?: number[];
  /** false: the oracle does not resize the frames */
  resize?: boolean;
  pipeline?: 'published';
  /** with `pipeline`: frames are resized to the size of the model in one step */
  own_size?: boolean;
  /** the tokens of the instruction are read, instead of True and False */
  likelihood?: boolean;
}

/** Tokens of a text, and the log probability of each of them after each prefix. */
interface TextLogProbs {
  ids: number[];
  log_probs: number[][];
}

/** The result of test/engine/oracle.py for a case. */
export interface OracleAnswer {
  name: string;
  lengths: number[];
  sampled: number[];
  log_prob_true: number[];
  log_prob_false: number[];
  token_ids: { true: number; false: number };
  input_ids: number[];
  /** the most likely next tokens of the longest prefix, the most likely one first */
  top: { id: number; log_prob: number }[];
  /** only with the published pipeline: side of the frames of each prefix, and the values with pixels that are not rounded */
  sides?: number[];
  log_prob_true_float?: number[];
  /** only if the case wants it; the members for True and False are then absent */
  likelihood?: { without_full_stop: TextLogProbs; with_full_stop: TextLogProbs };
  /** time that the oracle took, including the decoding of frames */
  seconds: number;
}

/** @throws Error if with-engine.sh has not set the variable */
export function environment(name: 'ENGINE_URL' | 'CHECKPOINT' | 'VLLM_PYTHON' | 'MODEL_PROFILE'): string {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: run this through test/engine/with-engine.sh.`);
  return value;
}

/** An oracle for models that receive each frame as an image. */
interface ImagesOracle {
  /** text before each frame, with {time} for its time */
  time: string | undefined;
}

/**
 * Runs the oracle for all cases. It loads the model only once.
 * @param frame size to which the oracle resizes frames, without keeping their aspect ratio
 * @param images for a model that receives each frame as an image
 */
export async function askOracle(
  cases: Case[],
  checkpoint = environment('CHECKPOINT'),
  frame = { width: REFERENCE_SIDE, height: REFERENCE_SIDE },
  images?: ImagesOracle,
): Promise<Map<string, OracleAnswer>> {
  const times = images?.time === undefined ? [] : ['--time', images.time];
  const options = ['--frame', `${frame.width}x${frame.height}`, ...times];
  return runOracle(images ? 'families/images_oracle.py' : 'oracle.py', cases, options, checkpoint);
}

/**
 * Runs a script of test/engine that reads cases.
 * @param options of the command line, after the checkpoint and the cases
 */
export async function runOracle(
  script: string,
  cases: Case[],
  options: string[],
  checkpoint = environment('CHECKPOINT'),
): Promise<Map<string, OracleAnswer>> {
  const folder = await mkdtemp(join(tmpdir(), 'oracle-'));
  try {
    const documents = await Promise.all(
      cases.map(async ({ files, ...rest }) => {
        await mkdir(join(folder, rest.name));
        const frames = files.map((_, i) => join(rest.name, String(i)));
        await Promise.all(files.map((file, i) => writeFile(join(folder, frames[i] as string), file)));
        return { ...rest, frames };
      }),
    );
    await writeFile(join(folder, 'cases.json'), JSON.stringify(documents));
    const { stdout } = await promisify(execFile)(
      environment('VLLM_PYTHON'),
      [new URL(`../engine/${script}`, import.meta.url).pathname, checkpoint, join(folder, 'cases.json'), ...options],
      { maxBuffer: 1 << 28, env: { ...process.env, HF_HUB_OFFLINE: '1' } },
    );
    return new Map((JSON.parse(stdout) as OracleAnswer[]).map((answer) => [answer.name, answer]));
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** The largest difference between two lists of values. NaN for lists of different lengths, or without values. */
export function furthest(found: readonly number[], expected: readonly number[]): number {
  if (found.length === 0 || found.length !== expected.length) return Number.NaN;
  return Math.max(...found.map((value, i) => Math.abs(value - (expected[i] ?? Number.NaN))));
}
