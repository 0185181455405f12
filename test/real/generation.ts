import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { PromptPart } from '../../src/plan/generation.ts';
import { environment } from '../support/oracle.ts';

/** One text to write, for both transformers and the engine. A frame of its parts is a file by its number. `side`: of the images, 256 px by default. */
export interface GenerationCase {
  name: string;
  files: Buffer[];
  parts: PromptPart[];
  side?: number;
}

/** The turn of the authors' code for GVL, without examples. @param frames raw frame numbers in the order in which they are shown */
export function authorsTurn(instruction: string, frames: number[]): PromptPart[] {
  return [
    {
      text: `You are an expert roboticist tasked to predict task completion percentages for frames of a robot for the task of ${instruction}.\nThe task completion percentages are between 0 and 100, where 100 corresponds to full task completion.\nWe provide several examples of the robot performing the task at various stages and their corresponding task completion percentages.\nNote that the frames may be in random order, so please pay attention to the individual frames when reasoning about task completion percentage.\n`,
    },
    { text: 'Initial robot scene:' },
    { frame: Math.min(...frames) },
    { text: 'In the initial robot scene, the task completion percentage is 0%.' },
    {
      text: `Now, for the task of ${instruction}, output the task completion percentage for the following frames that are presented in random order. For each frame, format your response as follow: Frame {i}: Task Completion Percentages:{}%`,
    },
    { text: 'Be rigorous and precise; percentage reflects task completion.' },
    { text: 'Remember: frames are in random order.' },
    ...frames.flatMap((frame, i) => [{ text: `Frame ${i + 1}:` }, { frame }, { text: '' }]),
  ];
}

/** What transformers make of a case. `sure`: tokens before the first near tie, which are those of `text`. */
export interface Expected {
  name: string;
  prompt_ids: number[];
  tokens: number;
  sure: number;
  text: string;
}

const OUR_TEMPLATE = new URL('../../docker/vllm/chat_template.jinja', import.meta.url).pathname;

/**
 * Runs test/engine/generation.py for all cases.
 * @param tokens most tokens of a text
 * @param template path of the chat template
 */
export async function askTransformers(
  cases: GenerationCase[],
  tokens: number,
  template = OUR_TEMPLATE,
): Promise<Map<string, Expected>> {
  const folder = await mkdtemp(join(tmpdir(), 'generation-'));
  try {
    const documents = cases.map(({ name, parts, side = 256 }) => ({
      name,
      tokens,
      size: [side, side],
      parts: parts.map((part) => ('text' in part ? part : { image: `${name}-${part.frame}` })),
    }));
    for (const { name, files } of cases)
      for (const [i, file] of files.entries()) await writeFile(join(folder, `${name}-${i}`), file);
    await writeFile(join(folder, 'cases.json'), JSON.stringify(documents));
    const pathOf = (path: string) => new URL(path, import.meta.url).pathname;
    const { stdout } = await promisify(execFile)(
      environment('VLLM_PYTHON'),
      [pathOf('../engine/generation.py'), environment('CHECKPOINT'), join(folder, 'cases.json'), template],
      { maxBuffer: 1 << 28, env: { ...process.env, HF_HUB_OFFLINE: '1' } },
    );
    return new Map((JSON.parse(stdout) as Expected[]).map((each) => [each.name, each]));
  } finally {
    await rm(folder, { recursive: true });
  }
}
