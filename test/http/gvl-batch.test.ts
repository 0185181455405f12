import type { FastifyInstance } from 'fastify';
import t from 'tap';
import { Compile } from 'typebox/compile';
import { BatchEvent } from '../../schemas/batch.ts';
import { whenLoad } from '../support/app.ts';
import { type Asked, refuse } from '../support/fake-vllm.ts';
import { postEpisode } from '../support/forms.ts';
import { GVL_EPISODE, startGvl, writtenText } from '../support/gvl.ts';
import { frameFiles } from '../support/images.ts';
import { EPISODE } from '../support/stub-engine.ts';

const files = await frameFiles(4);
const frames = files.map((file) => file.toString('base64'));
const schema = Compile(BatchEvent);

/** Frame 1 is frame 0. */
const gvl = { order: [0, 1, 2, 3] };
/** An item whose instruction says what the model writes. */
const item = (instruction: string, more: object = {}) => ({
  episode: { ...GVL_EPISODE, instruction, gvl, ...more },
  frames,
});

const TEXTS: Record<string, string> = {
  rising: writtenText([10, 20, 30, 40]),
  falling: writtenText([40, 30, 20, 10]),
  // Ranks 1, 2, 4, 3: 1 − 6·2 / (4·15)
  swapped: writtenText([10, 20, 40, 30]),
  equal: writtenText([50, 50, 50, 50]),
  three: writtenText([10, 20, 30]),
  nothing: 'I see a robot.',
};

/** Lets the model write the text that the instruction names. */
const asNamed = ({ text }: Asked) =>
  Object.entries(TEXTS).find(([name]) => text.includes(`task of ${name}.`))?.[1] ?? '';

async function start(t: Parameters<typeof startGvl>[0]) {
  const service = await startGvl(t);
  const { behaviour } = service.fake;
  behaviour.fault = (asked) => {
    behaviour.text = asNamed(asked);
  };
  return service;
}

async function postBatch(app: FastifyInstance, items: object[]) {
  const { statusCode, body } = await app.inject({ method: 'POST', url: '/v1/rewards/batch', payload: { items } });
  if (statusCode !== 200) throw new Error(body);
  const events = body
    .trimEnd()
    .split('\n')
    .map((line): BatchEvent => {
      const event: unknown = JSON.parse(line);
      if (!schema.Check(event)) throw new Error(`The line does not match the contract: ${line.slice(0, 300)}`);
      return event;
    });
  const end = events.pop();
  if (end?.event !== 'end') throw new Error('The last line is no end.');
  return { events, end };
}

/** The means of a batch, and what each of its episodes has. */
async function meansOf(app: FastifyInstance, names: string[], more: object = {}) {
  const { end } = await postBatch(
    app,
    names.map((name) => item(name, more)),
  );
  // The order in which episodes finish can change the last digits.
  return Object.fromEntries(
    Object.entries(end.gvl ?? {}).map(([name, mean]) => [name, mean && Math.round(mean * 1e12) / 1e12]),
  );
}

t.test('an episode in a batch has the result that it has on its own, also among other methods', async (t) => {
  const { app } = await start(t);
  const other = (method: string) => ({ episode: { ...EPISODE, method }, frames });
  const items = [item('rising', { id: 'a' }), other('topreward'), item('three'), other('instruction_likelihood')];
  const { events, end } = await postBatch(app, items);
  t.strictSame(end, {
    event: 'end',
    scored: 4,
    failed: 0,
    gvl: { complete: 1, incomplete: 1, mean_voc: 1, mean_voc_failures_zero: 0.5 },
  });
  for (const event of events) {
    if (event.event !== 'result') throw new Error(JSON.stringify(event));
    const { body } = await postEpisode(app, items[event.index]?.episode, files);
    t.strictSame({ ...event.result, usage: 0 }, { ...JSON.parse(body), usage: 0 }, `episode ${event.index}`);
    if (event.index === 0) t.equal(event.id, 'a');
  }
});

t.test('the end has both means of the paper', async (t) => {
  const { app } = await start(t);
  // VOC: 1, −1, 0.8, undefined; the last two have no VOC that counts.
  t.strictSame(await meansOf(app, ['rising', 'swapped']), {
    complete: 2,
    incomplete: 0,
    mean_voc: 0.9,
    mean_voc_failures_zero: 0.9,
  });
  t.strictSame(await meansOf(app, ['rising', 'falling', 'swapped', 'equal', 'three', 'nothing', 'nothing', 'three']), {
    complete: 4,
    incomplete: 4,
    // (1 − 1 + 0.8 + 0) / 4, and / 8: an undefined VOC is 0, and `three` does not count although its frames rise.
    mean_voc: 0.2,
    mean_voc_failures_zero: 0.1,
  });
  t.strictSame(await meansOf(app, ['equal']), {
    complete: 1,
    incomplete: 0,
    mean_voc: 0,
    mean_voc_failures_zero: 0,
  });
  t.strictSame(
    await meansOf(app, ['three', 'nothing'], { undefined_voc: 'zero' }),
    { complete: 0, incomplete: 2, mean_voc: null, mean_voc_failures_zero: 0 },
    'no complete one',
  );
});

t.test('the end has no means without a result of GVL', async (t) => {
  const { app } = await start(t);
  t.equal((await postBatch(app, [{ episode: EPISODE, frames }])).end.gvl, null);
  const wrong = item('rising', { prompt: 'chat' });
  t.strictSame((await postBatch(app, [wrong, wrong])).end, { event: 'end', scored: 0, failed: 2, gvl: null });
});

t.test('episodes with a problem are not counted', async (t) => {
  const { app, fake } = await start(t);
  const wrong = [
    item('rising', { gvl: { order: [0, 1] } }),
    item('rising', { prompt: 'chat' }),
    item('rising', { timestamps_s: [0] }),
    { episode: GVL_EPISODE, frames: [] },
  ];
  const { behaviour } = fake;
  behaviour.fault = (asked, response) => {
    if (asked.text.includes('task of fail.')) return refuse(response, 500, 'out of memory');
    behaviour.text = asNamed(asked);
    return undefined;
  };
  const { events, end } = await postBatch(app, [...wrong, item('fail'), item('swapped')]);
  const codes = events
    .sort((a, b) => ('index' in a && 'index' in b ? a.index - b.index : 0))
    .map((event) => (event.event === 'problem' ? event.problem.code : event.event));
  t.strictSame(codes, [
    'invalid-request',
    'invalid-request',
    'ambiguous-clock',
    'no-frames',
    'engine-failed',
    'result',
  ]);
  t.strictSame(end, {
    event: 'end',
    scored: 1,
    failed: 5,
    gvl: { complete: 1, incomplete: 0, mean_voc: 0.8, mean_voc_failures_zero: 0.8 },
  });
});

t.test('the memory for frames limits how many episodes of a batch are written at once', async (t) => {
  const bytes = 256 * 256 * 4;
  // Room for the frames of four episodes.
  const { app, fake } = await startGvl(t, {}, { FRAME_MEMORY_BYTES: String(16 * bytes), ENGINE_CONCURRENCY: '16' });
  const { behaviour } = fake;
  let [active, most, held] = [0, 0, 0];
  behaviour.send = async (response, answer) => {
    active += 1;
    most = Math.max(most, active);
    const { body } = await app.inject('/metrics');
    held = Math.max(held, Number(/^topreward_frame_bytes_held (\d+)/m.exec(body)?.[1]));
    active -= 1;
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
  };
  behaviour.text = TEXTS['rising'] ?? '';
  const items = Array.from({ length: 40 }, () => item('rising'));
  const { end } = await postBatch(app, items);
  t.strictSame(end.gvl, { complete: 40, incomplete: 0, mean_voc: 1, mean_voc_failures_zero: 1 });
  t.equal(held, 16 * bytes, 'no more frames than there is memory for');
  t.ok(most <= 4, `${most} at once`);
  await whenLoad(app, { active: 0, bytes: 0, frameBytes: 0 });
});

t.test('a client that leaves ends the writing', async (t) => {
  const { app, address, fake } = await startGvl(t);
  const asked = Promise.withResolvers<Asked>();
  fake.behaviour.fault = (question) => {
    asked.resolve(question);
    return true;
  };
  for (const path of ['/v1/rewards', '/v1/rewards/batch']) {
    fake.asked.length = 0;
    const leave = new AbortController();
    const single = { episode: { ...GVL_EPISODE, gvl }, frames };
    const sent = fetch(`${address}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(path.endsWith('batch') ? { items: [single, single] } : single),
      signal: leave.signal,
    }).catch(() => {});
    await whenLoad(app, { active: 1 });
    while (fake.asked.length === 0) await new Promise(setImmediate);
    leave.abort();
    await sent;
    for (const { gone } of fake.asked) await gone;
    await whenLoad(app, { active: 0, bytes: 0, frameBytes: 0 });
    t.pass(`${path}: the request to the engine ended`);
  }
});

t.test('after the deadline the writing ends', async (t) => {
  const { address, fake } = await startGvl(t, {}, { DEADLINE_S: '1' });
  fake.behaviour.fault = () => true;
  const answer = await fetch(`${address}/v1/rewards`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ episode: { ...GVL_EPISODE, gvl }, frames }),
  });
  t.match(await answer.json(), { code: 'deadline-exceeded' });
  await fake.asked[0]?.gone;
  fake.behaviour.fault = undefined;
});
