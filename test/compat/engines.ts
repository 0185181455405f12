import { pino } from 'pino';
import type { Test } from 'tap';
import { loadConfig } from '../../src/config/config.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { createEngine } from '../../src/engines/create-engine.ts';
import { TOPREWARD } from '../../src/methods/topreward/method.ts';
import { type Behaviour, type FakeVllm, startFakeVllm } from '../support/fake-vllm.ts';

const LOG = pino({ level: 'silent' });

/** All tokens of the fake, in the order of their ids: those of the prompt, then single characters. */
const TOKENS = [
  '<|im_start|><|im_end|><|vision_start|><|vision_end|><|video_pad|><think><tts_pad>True False True',
  'False\n',
  String.fromCharCode(...Array.from({ length: 95 }, (_, i) => 32 + i)),
].join('');

/** Starts the bundled model, and ends it when the test ends. It can serve several apps. */
export async function startBundledModel(t: Test): Promise<Engine> {
  return shared(t, await createEngine(loadConfig({ EMBEDDED_THREADS: '1' }), LOG, TOPREWARD));
}

/**
 * Starts a fake vLLM and an engine that uses it. The fake numbers tokens in the order in which it meets them, so all
 * tokens are named first: token ids then do not depend on the order of requests.
 */
export async function startFakeEngine(
  t: Test,
  behaviour: Partial<Behaviour> = {},
  settings: Record<string, string> = {},
): Promise<{ engine: Engine; fake: FakeVllm }> {
  const fake = await startFakeVllm(behaviour);
  t.teardown(() => fake.close());
  await fetch(`${fake.url}/tokenize`, { method: 'POST', body: JSON.stringify({ prompt: TOKENS }) });
  const config = loadConfig({ ENGINE_URL: fake.url, SECRET: 'secret', ...settings });
  return { engine: shared(t, await createEngine(config, LOG, TOPREWARD)), fake };
}

/** An engine that is closed when the test ends, not when an app closes. */
function shared(t: Test, engine: Engine): Engine {
  t.teardown(() => engine.close());
  return { ...engine, close: async () => {} };
}
