import { pino } from 'pino';
import t from 'tap';
import { buildApp } from '../../src/app.ts';
import { loadConfig } from '../../src/config/config.ts';
import { createEmbeddedEngine } from '../../src/engines/embedded/embedded.ts';
import { TOPREWARD } from '../../src/methods/topreward/method.ts';
import { askOracle, type Case, environment } from '../support/oracle.ts';
import { post, recorded } from '../support/recorded.ts';
import { startService, synthetic } from './support.ts';

t.setTimeout(900_000);

/** Largest difference from transformers in float32 with a full pass for each prefix, in nats. */
const TOLERANCE = 1e-4;

const config = loadConfig({ ENGINE: 'embedded', MODEL_DIR: environment('CHECKPOINT') });
const engine = await createEmbeddedEngine(config, pino({ level: 'warn' }), TOPREWARD);
const app = await buildApp(config, engine);
t.teardown(() => app.close());
const address = await app.listen({ port: 0 });

const success = await recorded('drawer-open-v3-success');
const failure = await recorded('drawer-open-v3-failure');
const made = async (count: number, fps: number, prompt: 'open' | 'chat' = 'open'): Promise<Case> => ({
  name: `${count} frames at ${fps} fps, ${prompt}`,
  files: await synthetic(count, count),
  fps,
  instruction: 'Öffne die 2. Schublade 🤖, then don’t stop.',
  prompt,
});
const cases: Case[] = [
  { name: 'recorded success', ...success },
  { name: 'recorded failure', ...failure },
  { name: 'recorded success, chat prompt', ...success, prompt: 'chat' },
  ...(await Promise.all([made(1, 10), made(2, 10), made(3, 2), made(15, 3, 'chat'), made(64, 2), made(9, 0.0025)])),
];

t.test('log probabilities of the embedded engine equal those of transformers', async (t) => {
  const oracle = await askOracle(cases, config.MODEL_DIR, engine.describe().referenceFrame);
  for (const { name, files, fps, instruction, prompt = 'open' } of cases) {
    const expected = oracle.get(name);
    if (!expected) throw new Error(`The oracle has no result for ${name}.`);
    const { status, body } = await post(address, files, { instruction, fps, prompt, include_token_ids: true });
    t.equal(status, 200, name);
    t.same(body.provenance.prompt.token_ids, expected.input_ids, `${name}: token ids of the longest prefix`);
    t.equal(body.prefixes.length, expected.log_prob_true.length, `${name}: number of prefixes`);
    t.equal(body.prefixes.length, expected.log_prob_false.length);
    t.ok(body.prefixes.length > 0);
    const furthest = Math.max(
      ...body.prefixes.flatMap(({ log_prob_true, log_prob_false }, i) => [
        Math.abs(log_prob_true - (expected.log_prob_true[i] as number)),
        Math.abs(log_prob_false - (expected.log_prob_false[i] as number)),
      ]),
    );
    t.ok(furthest <= TOLERANCE, `${name}: largest difference ${furthest}`);
    t.comment(`${name}: ${body.prefixes.length} prefixes, largest difference ${furthest.toExponential(1)} nats`);
  }
});

t.test('a vLLM with the same checkpoint gives the same log probabilities, at the model’s own frame size', async (t) => {
  const { width } = engine.describe().referenceFrame;
  const vllm = await startService(t, { ENGINE_FRAME_SIDE: String(width) });
  for (const { name, files, fps, instruction, prompt = 'open' } of cases.slice(0, 3)) {
    const episode = { instruction, fps, prompt, include_token_ids: true };
    const [here, there] = [await post(address, files, episode), await post(vllm, files, episode)];
    t.same([here.status, there.status], [200, 200], name);
    t.same(there.body.provenance.prompt.token_ids, here.body.provenance.prompt.token_ids, `${name}: token ids`);
    t.equal(here.body.prefixes.length, there.body.prefixes.length, `${name}: number of prefixes`);
    const furthest = Math.max(
      ...here.body.prefixes.map(({ log_prob_true }, i) =>
        Math.abs(log_prob_true - (there.body.prefixes[i]?.log_prob_true as number)),
      ),
    );
    t.ok(furthest <= TOLERANCE, `${name}: largest difference ${furthest}`);
    t.comment(`${name}: vLLM and embedded engine, largest difference ${furthest.toExponential(1)} nats`);
  }
});
