import { pino } from 'pino';
import t from 'tap';
import { loadConfig } from '../../../src/config/config.ts';
import { createEmbeddedEngine } from '../../../src/engines/embedded/embedded.ts';
import { TOPREWARD } from '../../../src/methods/topreward/method.ts';
import { uploadedFrames } from '../../support/uploaded.ts';
import { frame } from '../vllm/support.ts';
import { MODEL_DIR } from './support.ts';

t.test('the embedded engine says that it writes no text, and refuses to', async (t) => {
  const engine = await createEmbeddedEngine(loadConfig({ MODEL_DIR }), pino({ level: 'silent' }), TOPREWARD);
  t.teardown(() => engine.close());
  t.match(engine.describe().generation, { unavailable: /^The embedded engine .*\.$/ });
  const size = { width: 256, height: 256 };
  const asked = engine.generate({
    served: engine.describe(),
    plan: {
      parts: [{ frame: 0 }],
      frameGroups: [{ size, resampling: 'pillow-bicubic', frames: [0] }],
      maxTokens: 1,
      schema: undefined,
    },
    frames: await uploadedFrames(t, [await frame(0)]),
    tenant: '',
    pointer: '/instruction',
    episodePointer: '/episode',
    signal: new AbortController().signal,
    usage: { requests: 0, resends: 0, bytes: 0, queuedMs: 0, decodingMs: 0, engineMs: 0 },
  });
  await t.rejects(asked, { code: 'method-unsupported', place: { pointer: '/episode/method' } });
});
