import { pino } from 'pino';
import t, { type Test } from 'tap';
import { type Arrival, arrivalsOf } from '../../../src/engines/embedded/arrivals.ts';
import { readCheckpoint } from '../../../src/engines/embedded/checkpoint.ts';
import { promptTokens } from '../../../src/engines/embedded/prompt-tokens.ts';
import { type Answer, type Task, taskOf } from '../../../src/engines/embedded/task.ts';
import { type ModelThread, startThread } from '../../../src/engines/embedded/thread.ts';
import { sampleSchedule } from '../../../src/episode/schedule.ts';
import type { RenderedFrame } from '../../../src/frames/render-worker.ts';
import { planEpisode } from '../../support/plans.ts';
import { CLOCK, INSTRUCTION, MODEL_DIR, pictures, shownIn } from './support.ts';

const log = pino({ level: 'silent' });
const checkpoint = await readCheckpoint(MODEL_DIR);
const options = { folder: MODEL_DIR, grid: checkpoint.grid, threads: 1, cacheBytes: 0 };

interface Asked {
  task: Task;
  frames: Map<number, RenderedFrame>;
  arrivals: AsyncIterable<Arrival>;
}

/** Makes a new task each time, because the memory of its frames is transferred to the thread. */
function newTask(lengths: number[], change: Partial<Task> = {}): Asked {
  const frameCount = lengths.at(-1) as number;
  const plan = planEpisode(
    { instruction: INSTRUCTION, prompt: 'open', clock: CLOCK },
    sampleSchedule(frameCount, CLOCK),
    lengths,
  );
  const named = { blocks: plan.blocks, tenant: 'a', source: checkpoint.frame };
  const frames = pictures(frameCount, 1, checkpoint);
  const task = taskOf('a', promptTokens(plan, checkpoint), () => true, checkpoint);
  return { task: { ...task, ...change }, frames, arrivals: arrivalsOf(named, shownIn(plan.sampledFrames, frames)) };
}

async function all(
  thread: ModelThread,
  { task, arrivals }: Asked,
  signal = new AbortController().signal,
): Promise<Answer[]> {
  const answers: Answer[] = [];
  for await (const answer of thread.answers(task, arrivals, signal)) answers.push(answer);
  return answers;
}

async function open(t: Test): Promise<ModelThread> {
  const thread = await startThread(options, log);
  t.teardown(() => thread.close());
  return thread;
}

t.test('results arrive in the order of the queries, and a failed task does not affect the next one', async (t) => {
  const thread = await open(t);
  const task = newTask([1, 2, 5, 8]);
  const frame = task.frames.get(0)?.bytes;
  t.same(
    (await all(thread, task)).map(({ query }) => query),
    [0, 1, 2, 3],
  );
  t.equal(frame?.byteLength, 0, 'the frames were transferred, not copied');
  const broken = newTask([4]);
  broken.task.queries[0].text = [2 ** 31];
  await t.rejects(all(thread, broken), /Gather/, 'the token does not exist');
  t.equal((await all(thread, newTask([4]))).length, 1);
});

t.test('an abort ends one episode and does not affect others', async (t) => {
  const thread = await open(t);
  const gone = new AbortController();
  const leaving = all(thread, newTask([40]), gone.signal);
  const staying = all(thread, newTask([3, 6]));
  gone.abort();
  await t.rejects(leaving, { name: 'AbortError' });
  t.equal((await staying).length, 2);
});

t.test('closing waits for unfinished work, and later tasks are refused', async (t) => {
  const thread = await open(t);
  const inHand = all(thread, newTask([2, 12]));
  await thread.close();
  t.equal((await inHand).length, 2);
  await t.rejects(all(thread, newTask([2])), { message: /thread has ended/ });
});

t.test('a frame that cannot be rendered ends only its own episode, with its own error', async (t) => {
  const thread = await open(t);
  const { task, arrivals } = newTask([12]);
  async function* damaged(): AsyncGenerator<Arrival> {
    for await (const arrival of arrivals) {
      if (arrival.frame === 9) throw new Error('damaged');
      yield arrival;
    }
  }
  const staying = all(thread, newTask([3, 6]));
  await t.rejects(all(thread, { task, frames: new Map(), arrivals: damaged() }), { message: 'damaged' });
  t.equal((await staying).length, 2);
  t.equal((await all(thread, newTask([12]))).length, 1);
});
