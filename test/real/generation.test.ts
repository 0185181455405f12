import { pino } from 'pino';
import t from 'tap';
import { loadConfig } from '../../src/config/config.ts';
import type { Generated } from '../../src/engine/engine.ts';
import { createVllmEngine } from '../../src/engines/vllm/vllm.ts';
import { TOPREWARD } from '../../src/methods/topreward/method.ts';
import { type GenerationPlan, shownFrames } from '../../src/plan/generation.ts';
import { environment } from '../support/oracle.ts';
import { recorded } from '../support/recorded.ts';
import { uploadedFrames } from '../support/uploaded.ts';
import { askTransformers, authorsTurn, type GenerationCase } from './generation.ts';
import { synthetic } from './support.ts';

t.setTimeout(900_000);

const TOKENS = 40;
/** A random model has near ties; before the first one, at least so many tokens must be sure. */
const LEAST_SURE = 20;

const config = loadConfig({ ENGINE_URL: environment('ENGINE_URL') });
const engine = createVllmEngine(config, pino({ level: 'warn' }), TOPREWARD, { unreadyCheckMs: 500 });
t.teardown(() => engine.close());

/** Waits until the engine has been probed. */
async function ready() {
  for (;;) {
    try {
      return engine.describe();
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
  }
}

const ORDER = [8, 3, 14, 1, 6, 12, 0, 10, 5, 2, 13, 7, 4, 11, 9];
const success = await recorded('drawer-open-v3-success');
const cases = [
  {
    name: 'synthetic',
    files: await synthetic(15, 3, 256, 256),
    parts: authorsTurn('Put the red block into the box.', ORDER),
  },
  { name: 'recorded', files: success.files, parts: authorsTurn(success.instruction, ORDER) },
  { name: 'one-image', files: await synthetic(1, 9, 256, 256), parts: [{ frame: 0 }, { text: ' What is this?' }] },
  {
    name: 'another-turn',
    files: await synthetic(4, 11, 256, 256),
    parts: [{ text: 'Öffne die 2. Schublade 🤖:' }, { frame: 3 }, { frame: 0 }, { text: '' }, { frame: 2 }],
  },
] satisfies GenerationCase[];

async function generate(
  files: Buffer[],
  plan: Pick<GenerationPlan, 'parts' | 'maxTokens' | 'schema'>,
  signal = AbortSignal.timeout(300_000),
): Promise<Generated> {
  const size = { width: 256, height: 256 };
  const frames = [...new Set(shownFrames(plan.parts))];
  return engine.generate({
    served: engine.describe(),
    plan: { ...plan, frameGroups: [{ size, resampling: 'pillow-bicubic', frames }] },
    frames: await uploadedFrames(t, files),
    tenant: 'test',
    pointer: '/instruction',
    episodePointer: '',
    signal,
    usage: { requests: 0, resends: 0, bytes: 0, queuedMs: 0, decodingMs: 0, engineMs: 0 },
  });
}

t.test('the engine says how many images it accepts', async (t) => {
  t.match((await ready()).generation, { maxImages: 128 });
});

t.test('prompts and texts equal those of transformers, token for token', async (t) => {
  await ready();
  const expected = await askTransformers(cases, TOKENS);
  for (const { name, files, parts } of cases) {
    const known = expected.get(name);
    if (!known) throw new Error(`Transformers wrote nothing for ${name}.`);
    const { text, generatedTokens, promptTokens, promptTokenIds } = await generate(files, {
      parts,
      maxTokens: TOKENS,
      schema: undefined,
    });
    t.strictSame(promptTokenIds, known.prompt_ids, `${name}: token ids of the prompt`);
    t.equal(promptTokens, known.prompt_ids.length);
    t.ok(known.sure >= Math.min(LEAST_SURE, known.tokens), `${name}: ${known.sure} tokens are sure`);
    if (known.sure === known.tokens) {
      t.equal(text, known.text, `${name}: text`);
      t.equal(generatedTokens, known.tokens);
    } else {
      // The last token before a near tie may end within a character.
      t.ok(text.startsWith(known.text.replace(/\uFFFD+$/, '')), `${name}: text up to the first near tie`);
    }
    t.comment(`${name}: ${promptTokens} prompt tokens, ${known.sure} of ${known.tokens} tokens are sure`);
  }
});

t.test('a second request finds the prompt in the cache and has the same text', async (t) => {
  await ready();
  const [{ files, parts }] = cases as [(typeof cases)[0]];
  const asked = { parts, maxTokens: TOKENS, schema: undefined };
  const first = await generate(files, asked);
  const again = await generate(files, asked);
  t.equal(again.text, first.text);
  t.ok((again.cachedTokens ?? 0) > again.promptTokens - 64, `${again.cachedTokens} of ${again.promptTokens}`);
});

t.test('a text follows its schema', async (t) => {
  await ready();
  const names = Array.from({ length: 15 }, (_, i) => String(i + 1));
  const schema = {
    type: 'object',
    properties: Object.fromEntries(names.map((name) => [name, { type: 'integer', minimum: 0, maximum: 100 }])),
    required: names,
    additionalProperties: false,
  };
  for (const { name, files, parts } of cases.slice(0, 2)) {
    const { text, finish, generatedTokens } = await generate(files, { parts, maxTokens: 400, schema });
    t.equal(finish, 'stop', name);
    const values: Record<string, number> = JSON.parse(text);
    t.strictSame(Object.keys(values), names);
    t.ok(Object.values(values).every((value) => Number.isInteger(value) && value >= 0 && value <= 100));
    t.notMatch(text, /\s/, 'no token is spent on spaces');
    t.comment(`${name}: ${generatedTokens} tokens, ${text}`);
  }
});

t.test('a text that reaches the limit is cut off', async (t) => {
  await ready();
  const [, , { files, parts }] = cases as [unknown, unknown, (typeof cases)[2]];
  const { finish, generatedTokens } = await generate(files, { parts, maxTokens: 2, schema: undefined });
  t.strictSame([finish, generatedTokens], ['length', 2]);
});

/** Requests that the engine is working on. */
async function running(): Promise<number> {
  const metrics = await (await fetch(`${environment('ENGINE_URL')}/metrics`)).text();
  return Number(/^vllm:num_requests_running\{.*\} (\S+)$/m.exec(metrics)?.[1] ?? Number.NaN);
}

async function until(reached: () => Promise<boolean>): Promise<void> {
  while (!(await reached())) await new Promise((resolve) => setTimeout(resolve, 100));
}

t.test('the engine stops writing when the request is aborted', async (t) => {
  await ready();
  const leave = new AbortController();
  const [{ files, parts }] = cases as [(typeof cases)[0]];
  // A random model may end its text at any token, but not a list of numbers.
  const schema = { type: 'array', items: { type: 'integer' }, minItems: 10_000 };
  const pending = generate(files, { parts, maxTokens: 30_000, schema }, leave.signal);
  pending.catch(() => {});
  await until(async () => (await running()) === 1);
  leave.abort(new Error('gone'));
  await t.rejects(pending, { message: 'gone' });
  const started = performance.now();
  await until(async () => (await running()) === 0);
  const waited = performance.now() - started;
  t.ok(waited < 20_000, `${waited} ms`);
});
