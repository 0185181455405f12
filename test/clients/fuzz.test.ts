import t from 'tap';
import { startServer } from '../embedded/server.ts';
import { script } from './support.ts';

t.setTimeout(300_000);

t.test('the service does what openapi.yaml says, whatever it is sent', async (t) => {
  const { address } = await startServer(t, { EMBEDDED_THREADS: '2', LOG_LEVEL: 'info' });
  const { code, out } = await script('fuzz/run.sh', address);
  t.equal(code, 0, out);
  const metrics = await (await fetch(`${address}/metrics`)).text();
  const scored = Number(/^topreward_request_seconds_count\{.*scoreEpisode.*"200".*\} (\d+)/m.exec(metrics)?.[1]);
  t.ok(scored >= 10, `valid requests got as far as the model: ${scored} episodes were scored`);
  t.comment(/^Test cases:\n.*$/m.exec(out)?.[0].replaceAll(/\s+/g, ' '));
});
