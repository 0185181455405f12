import { cp, mkdir, mkdtemp, readdir, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { fetch } from 'undici';
import { launch, type Refusal, ROOT } from '../../support/server.ts';

/** Makes a copy of the project without onnxruntime: its sources, and links to all other packages. */
async function withoutOnnxruntime(t: Test): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'without-onnxruntime-'));
  t.teardown(() => rm(folder, { recursive: true }));
  await cp(join(ROOT, 'src'), join(folder, 'src'), { recursive: true });
  const others = (await readdir(ROOT)).filter((name) => !['src', 'node_modules', '.git'].includes(name));
  for (const name of others) await symlink(join(ROOT, name), join(folder, name));
  await mkdir(join(folder, 'node_modules'));
  const packages = (await readdir(join(ROOT, 'node_modules'))).filter((name) => !name.startsWith('onnxruntime'));
  for (const name of packages) await symlink(join(ROOT, 'node_modules', name), join(folder, 'node_modules', name));
  return folder;
}

/** Checks that a service that could not start printed what an operator needs: one line, and no stack. */
function oneLine(t: Test, started: Awaited<ReturnType<typeof launch>>, wanted: RegExp): void {
  const { code, lines, errors } = started as Refusal;
  t.equal(code, 1);
  t.equal(lines.length, 1);
  t.match(lines[0], wanted);
  t.notMatch(lines[0], '\n');
  t.notMatch(errors, / at .*\.ts/, 'no stack');
}

t.test('without a model the service says which folder it looked in', async (t) => {
  oneLine(t, await launch(t, { MODEL_DIR: '/nowhere' }), /\/nowhere.*profile\.json/);
});

t.test('without onnxruntime the service says so, and still works with vLLM', async (t) => {
  const folder = await withoutOnnxruntime(t);
  oneLine(t, await launch(t, {}, folder), /onnxruntime-node.*ENGINE_URL/);
  const server = await launch(t, { ENGINE_URL: 'http://127.0.0.1:1' }, folder);
  if ('code' in server) throw new Error(`It ended with ${server.code}: ${server.lines}`);
  t.equal((await fetch(`${server.address}/health/live`)).status, 200);
});

t.test('the service stops on SIGTERM', async (t) => {
  const server = await launch(t, {});
  if ('code' in server) throw new Error(`It ended with ${server.code}: ${server.lines}`);
  const ended = new Promise((resolve) => server.process.once('exit', (code) => resolve(code)));
  server.process.kill('SIGTERM');
  t.equal(await ended, 0);
});
