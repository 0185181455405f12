import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import t from 'tap';
import { ROOT } from '../../support/server.ts';

t.test('the demo distinguishes the success from the failure, and ends', async (t) => {
  const { ENGINE_URL: _, ...env } = process.env;
  const run = promisify(execFile)(process.execPath, ['examples/demo.ts', '--once'], {
    cwd: ROOT,
    env: { ...env, PORT: '0' },
  });
  const { stdout } = await run;
  const [success, failure] = stdout.split('\n\n');
  t.match(success, /^drawer-open-v3-success: success\n/);
  t.match(failure, /^drawer-open-v3-failure: no success\n/);
  const bars = (drawing = '') => drawing.split('\n').find((line) => line.includes('│')) ?? '';
  t.match(bars(success), /█+\s*$/, 'the curve of the success ends at the top');
  t.notMatch(bars(failure), /█/, 'the curve of the failure never reaches the top');
});
