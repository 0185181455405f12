import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { type Counts, closingLine, readClosingLine } from './report.ts';

// node test/run/steps.ts ci | all: runs one step after the other, then prints the time of each step and the total counts.

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** Bash commands that `.ci/run` runs after `npm ci`. They take at most 35 minutes on two cores. */
export const CI: readonly string[] = [
  'npm run lint',
  'npm run lint:contract',
  'npm run lint:prose',
  'npm run types',
  'npm test',
  'npm run test:slow',
  'npm run test:attacks',
  'npm run test:clients',
  'npm run test:python',
  'npm run test:docs',
  'test/engine/with-engine.sh npm run test:engine',
  'MODEL_PROFILE=qwen2.5-vl CHECKPOINT=.cache/families/qwen2.5-vl test/engine/with-engine.sh npm run test:families',
];

/** Bash commands that `npm run test:all` runs after those of `.ci/run`. */
export const HEAVY: readonly string[] = [
  'test/engine/with-engine.sh npm run test:methods',
  'CHECKPOINT=.cache/checkpoint TEMPLATE=stock test/engine/with-engine.sh npm run test:stock',
  'MODEL_PROFILE=internvl CHECKPOINT=.cache/families/internvl test/engine/with-engine.sh npm run test:families',
  'MODEL_PROFILE=smolvlm CHECKPOINT=.cache/families/smolvlm test/engine/with-engine.sh npm run test:families',
  'MODEL_PROFILE=qwen3-vl-images CHECKPOINT=.cache/families/qwen3-vl-images test/engine/with-engine.sh npm run test:families',
  'MODEL_PROFILE=qwen3.5 CHECKPOINT=.cache/hybrid test/engine/with-engine.sh npm run test:hybrid',
  'npm run test:pool',
  'npm run test:fuzz',
  'npm run test:lerobot',
  'npm run test:cluster',
  'npm run test:image',
  'npm run test:fresh',
];

interface Done {
  step: string;
  minutes: number;
  counts: Counts;
}

/** Runs a step and prints its output, except its closing line, because all steps together have one closing line. */
async function runStep(step: string): Promise<Done> {
  const started = performance.now();
  console.log(`\n== ${step}`);
  const child = spawn('bash', ['-c', step], { cwd: ROOT, stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(child, 'close');
  let counts: Counts | undefined;
  for await (const line of createInterface(child.stdout)) {
    const read = readClosingLine(line);
    if (read) counts = read;
    else console.log(line);
  }
  const [code] = await ended;
  const { passed, failed, skipped } = counts ?? { passed: 0, failed: 0, skipped: 0 };
  // A step that fails without a failed test counts as one failed test.
  const faults = code === 0 ? failed : Math.max(failed, 1);
  return { step, minutes: (performance.now() - started) / 60_000, counts: { passed, failed: faults, skipped } };
}

export function sum(all: readonly Counts[]): Counts {
  const total = { passed: 0, failed: 0, skipped: 0 };
  for (const counts of all) for (const kind of ['passed', 'failed', 'skipped'] as const) total[kind] += counts[kind];
  return total;
}

if (import.meta.main) {
  const done: Done[] = [];
  for (const step of process.argv[2] === 'all' ? [...CI, ...HEAVY] : CI) done.push(await runStep(step));
  console.log('');
  for (const { step, minutes, counts } of done)
    console.log(`${minutes.toFixed(1).padStart(5)} min  ${counts.failed > 0 ? 'FAIL' : 'ok  '}  ${step}`);
  const total = sum(done.map(({ counts }) => counts));
  console.log(closingLine(total));
  process.exitCode = total.failed > 0 ? 1 : 0;
}
