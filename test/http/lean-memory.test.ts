import { readFileSync } from 'node:fs';
import t from 'tap';
import { startServer } from '../support/server.ts';

const options = process.platform === 'linux' ? {} : { skip: 'the allocator settings are for Linux only' };

const strings = (path: string) => readFileSync(path, 'utf8').split('\0');

t.test('the service sets its own memory options in the process that was started', options, async (t) => {
  const { process: child } = await startServer(t, { LOG_LEVEL: 'info' });
  const environment = strings(`/proc/${child.pid}/environ`);
  t.ok(environment.includes('MALLOC_ARENA_MAX=1'));
  t.ok(environment.includes('RENDER_WORKERS=1'), 'the variables of the caller are kept');
  t.ok(strings(`/proc/${child.pid}/cmdline`).includes('--max-semi-space-size=4'));
});

t.test('a setting of the operator is kept', options, async (t) => {
  const { process: child } = await startServer(t, { LOG_LEVEL: 'info', MALLOC_ARENA_MAX: '4' });
  t.ok(strings(`/proc/${child.pid}/environ`).includes('MALLOC_ARENA_MAX=4'));
  t.notOk(strings(`/proc/${child.pid}/cmdline`).includes('--max-semi-space-size=4'));
});
