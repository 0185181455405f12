import { pino } from 'pino';
import t from 'tap';
import { buildApp } from '../../../src/app.ts';
import { loadConfig } from '../../../src/config/config.ts';
import { createEmbeddedEngine } from '../../../src/engines/embedded/embedded.ts';
import { TOPREWARD } from '../../../src/methods/topreward/method.ts';
import { isProblem, resultOf } from '../../support/answers.ts';
import { postEpisode } from '../../support/forms.ts';
import { frameFiles, truncated } from '../../support/images.ts';
import { EPISODE } from '../../support/stub-engine.ts';

t.test('a damaged frame ends an episode that is being scored, and does not affect others', async (t) => {
  const config = loadConfig({ EMBEDDED_THREADS: '1', RENDER_WORKERS: '1', EMBEDDED_CACHE_BYTES: '0' });
  const app = await buildApp(config, await createEmbeddedEngine(config, pino({ level: 'silent' }), TOPREWARD));
  t.teardown(() => app.close());
  const frames = await frameFiles(40);
  const before = resultOf(t, await postEpisode(app, { ...EPISODE, fps: 2 }, frames));
  t.equal(before.provenance.sampled_frame_indices.length, 40);
  for (const place of [0, 17, 39]) {
    const damaged = frames.with(place, truncated(frames[place] as Buffer));
    // More episodes than run at once: if an episode did not leave its gate, a later one would never start.
    const answers = await Promise.all(
      Array.from({ length: 4 }, () => postEpisode(app, { ...EPISODE, fps: 2 }, damaged)),
    );
    for (const answer of answers) isProblem(t, answer, 'image-damaged', { frame: place });
  }
  const after = resultOf(t, await postEpisode(app, { ...EPISODE, fps: 2 }, frames));
  t.strictSame(after.prefixes, before.prefixes);
  const metrics = (await app.inject('/metrics')).body;
  t.match(metrics, /^topreward_frame_bytes_held 0$/m);
  t.match(metrics, /^topreward_upload_bytes_held 0$/m);
});
