import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pino } from 'pino';
import t from 'tap';
import { REFERENCE_SIDE } from '../../schemas/defaults.ts';
import type { LikelihoodResult } from '../../schemas/likelihood.ts';
import { buildApp } from '../../src/app.ts';
import { loadConfig } from '../../src/config/config.ts';
import { createEmbeddedEngine } from '../../src/engines/embedded/embedded.ts';
import { TOPREWARD } from '../../src/methods/topreward/method.ts';
import { likelihoodOf } from '../support/answers.ts';
import { askOracle, type Case, environment, type OracleAnswer } from '../support/oracle.ts';
import { post, recorded } from '../support/recorded.ts';
import { startService, synthetic } from './support.ts';

t.setTimeout(900_000);

/** Largest permitted difference of a token from transformers on the same checkpoint, in nats. */
const TOLERANCE = 1e-4;

const checkpoint = environment('CHECKPOINT');
const addresses: Record<string, string> = {};
let frame = { width: REFERENCE_SIDE, height: REFERENCE_SIDE };
// The generated checkpoint, which has the tokenizer of Qwen3, has no export for the embedded engine.
if (existsSync(join(checkpoint, 'onnx'))) {
  const config = loadConfig({ ENGINE: 'embedded', MODEL_DIR: checkpoint });
  const engine = await createEmbeddedEngine(config, pino({ level: 'warn' }), TOPREWARD);
  const app = await buildApp(config, engine);
  t.teardown(() => app.close());
  addresses['embedded'] = await app.listen({ port: 0 });
  frame = engine.describe().referenceFrame;
}
addresses['vllm'] = await startService(t, { ENGINE_FRAME_SIDE: String(frame.width) });

const success = await recorded('drawer-open-v3-success');

async function made(count: number, instruction: string, more: Partial<Case> = {}): Promise<Case> {
  const files = await synthetic(count, 500 + count);
  const name = `${count} frames${more.pipeline ? ', published' : ''}, ${instruction.replaceAll(/\s/g, '_').slice(0, 40)}`;
  return { name, files, fps: 2, instruction, likelihood: true, ...more };
}

const cases: Case[] = [
  { name: 'recorded success', ...success, instruction: 'Open the drawer', likelihood: true },
  { name: 'recorded success, full stop', ...success, likelihood: true, count: 5 },
  await made(1, 'Put the red block into the blue box.'),
  await made(2, 'Put the red block into the blue box'),
  await made(3, 'Put the red block into the blue box'),
  await made(9, 'Disassemble the gearbox; recalibrate the Donaudampfschifffahrtsgesellschaft hygrometer (0.75 mm)', {
    count: 4,
  }),
  await made(5, 'Öffne die 2. Schublade, dann räume die Äpfel weg.', { count: 3 }),
  await made(5, '把红色的积木放进蓝色的盒子里。', { count: 3 }),
  await made(4, 'open  the\ndrawer ', { count: 3 }),
  await made(7, 'Öffne die 2. Schublade 🤖, then don’t stop.', { count: 4 }),
  await made(6, 'Pick up the 🦾', { count: 3 }),
  await made(7, 'Put the red block into the blue box', { count: 3, pipeline: 'published' }),
  await made(5, 'Give the 🤖 a hand.', { count: 3, pipeline: 'published' }),
];
/** The embedded engine has frames of one size, in the published pipeline too. The oracle does not resize them again. */
const atOwnSize = ({ name, ...rest }: Case): Case => ({ ...rest, name: `${name}, own size`, own_size: true });
const published = addresses['embedded'] ? cases.filter(({ pipeline }) => pipeline) : [];
const oracle = await askOracle([...cases, ...published.map(atOwnSize)], checkpoint, frame);

async function score(address: string, { files, fps, instruction, count = 15, pipeline }: Case) {
  const episode = { method: 'instruction_likelihood', instruction, fps, pipeline, prefixes: { count } };
  const { status, body } = await post(address, files, episode);
  return likelihoodOf(t, { statusCode: status, body: JSON.stringify(body) });
}

/** Largest difference of a token, in nats. */
function distance({ prefixes }: LikelihoodResult, { likelihood }: OracleAnswer): number {
  const differences = prefixes.flatMap((prefix, i) =>
    (['without_full_stop', 'with_full_stop'] as const).flatMap((text) => {
      const expected = likelihood?.[text].log_probs[i] ?? [];
      if (prefix[text].tokens.length !== expected.length) return [Number.NaN];
      return prefix[text].tokens.map((value, at) => Math.abs(value - (expected[at] ?? Number.NaN)));
    }),
  );
  return Math.max(...differences);
}

function expectedOf(name: string): OracleAnswer {
  const expected = oracle.get(name);
  if (!expected?.likelihood) throw new Error(`The oracle has no result for ${name}.`);
  return expected;
}

const ids = (tokens: { id: number }[]) => tokens.map(({ id }) => id);

for (const [name, address] of Object.entries(addresses)) {
  for (const asked of cases) {
    t.test(`${name}, ${asked.name}: the log probability of each token equals that of transformers`, async (t) => {
      const isOwn = name === 'embedded' && asked.pipeline !== undefined;
      const expected = expectedOf(isOwn ? atOwnSize(asked).name : asked.name);
      const result = await score(address, asked);
      t.same(
        result.prefixes.map(({ length }) => length),
        expected.lengths,
      );
      t.same(ids(result.provenance.instruction_tokens), expected.likelihood?.without_full_stop.ids);
      t.same(ids(result.provenance.full_stop_tokens), expected.likelihood?.with_full_stop.ids);
      const furthest = distance(result, expected);
      t.ok(furthest <= TOLERANCE, `largest difference ${furthest}`);
      const { engine_requests: requests, engine_resends: resends, cached_tokens: cached } = result.usage;
      t.comment(
        `${name}, ${asked.name}: ${result.prefixes.length} prefixes of ${result.provenance.full_stop_tokens.length} tokens, largest difference ${furthest.toExponential(1)} nats; ${requests} requests, ${resends} resends, ${cached} of ${result.usage.prompt_tokens} tokens cached`,
      );
      if (name === 'vllm') t.equal(requests - resends, requestsOf(result, asked), 'requests to vLLM');
    });
  }
}

/** How each text was read by vLLM: token by token, or all tokens in one query. */
const ways = { 'token by token': 0, 'in one query': 0 };

/** How many requests vLLM receives: one for each place, or one for the first token and one for each text after the first query has tried to cut it. */
function requestsOf({ prefixes, provenance }: LikelihoodResult, { pipeline }: Case): number {
  const { instruction_tokens: bare, full_stop_tokens: full } = provenance;
  const queries = pipeline ? prefixes.length : new Set(prefixes.map(({ frames_used }) => frames_used)).size;
  // In all of these instructions, the full stop is one more token, or changes the last one only.
  const texts = full.length > bare.length ? 1 : 2;
  // A text can be cut between characters only.
  const way = full.some(({ text }) => text.includes('\ufffd')) ? 'in one query' : 'token by token';
  ways[way] += 1;
  return way === 'in one query' ? (1 + texts) * queries + full.length - 1 : queries * full.length;
}

t.test('vLLM has read texts in both ways', async (t) => {
  t.ok(
    Object.values(ways).every((count) => count > 1),
    JSON.stringify(ways),
  );
});
