import { readFileSync } from 'node:fs';
import t from 'tap';
import { startServer } from '../embedded/server.ts';

const options = process.platform === 'linux' ? {} : { skip: 'the allocator is that of Linux' };

const strings = (path: string) => readFileSync(path, 'utf8').split('\0');

t.test('the service sets up its memory itself, and stays the process that was started', options, async (t) => {
  const { process: child } = await startServer(t, { LOG_LEVEL: 'info' });
  const environment = strings(`/proc/${child.pid}/environ`);
  t.ok(environment.includes('MALLOC_ARENA_MAX=1'));
  t.ok(environment.includes('RENDER_WORKERS=1'), 'what it was given is kept');
  t.ok(strings(`/proc/${child.pid}/cmdline`).includes('--max-semi-space-size=4'));
});

t.test('an operator’s own setting stands', options, async (t) => {
  const { process: child } = await startServer(t, { LOG_LEVEL: 'info', MALLOC_ARENA_MAX: '4' });
  t.ok(strings(`/proc/${child.pid}/environ`).includes('MALLOC_ARENA_MAX=4'));
  t.notOk(strings(`/proc/${child.pid}/cmdline`).includes('--max-semi-space-size=4'));
});
