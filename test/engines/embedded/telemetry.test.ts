import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import t, { type Test } from 'tap';
import { needing } from '../../support/needs.ts';
import { postEpisode, ROOT } from '../../support/server.ts';
import { MODEL_DIR } from './support.ts';

/** System calls that strace traces. */
const CALLS = 'connect,sendto,sendmsg,sendmmsg';

/** Loads the library with a model in the usual way. Its telemetry starts, and looks up its host after a few seconds. */
const CONTROL = `
import ort from "onnxruntime-node";
await ort.InferenceSession.create(${JSON.stringify(join(MODEL_DIR, 'onnx', 'vision.onnx'))});
setInterval(() => {}, 1000);
`;

interface Traced {
  child: ChildProcess;
  /** lines of the trace with an address of another machine */
  sent: string[];
  /** resolves with the first such line */
  spoke: Promise<void>;
  /** lists files and folders in the home, cache and temporary folders */
  files(): Promise<string[]>;
}

/** Runs Node under strace with its own home, cache and temporary folders. @param options options of strace */
function trace(t: Test, folder: string, argv: string[], options: string[] = []): Traced {
  const [home, cache, tmp] = ['home', 'cache', 'tmp'].map((place) => join(folder, place)) as [string, string, string];
  // Only PATH is inherited: with its default settings the library sends nothing if a variable says that it runs in CI.
  const settings = { PATH: process.env['PATH'], MODEL_DIR, PORT: '0', EMBEDDED_THREADS: '1', RENDER_WORKERS: '1' };
  const child = spawn(
    'strace',
    ['-f', '-qq', '-o', '|cat >&3', '-e', `trace=${CALLS}`, ...options, process.execPath, ...argv],
    {
      cwd: ROOT,
      env: { ...settings, HOME: home, XDG_CACHE_HOME: cache, TMPDIR: tmp },
      stdio: ['ignore', 'pipe', 'inherit', 'pipe'],
      detached: true,
    },
  );
  // strace does not forward signals, so the complete process group is killed.
  const end = () => child.exitCode === null && child.signalCode === null && process.kill(-(child.pid ?? 0), 'SIGKILL');
  process.once('exit', end);
  t.teardown(end);
  const sent: string[] = [];
  const spoke = new Promise<void>((resolve) => {
    createInterface(child.stdio[3] as Readable).on('line', (line) => {
      if (!isElsewhere(line)) return;
      sent.push(line);
      resolve();
    });
  });
  const places = [home, cache, tmp];
  const files = async () => (await Promise.all(places.map((place) => readdir(place, { recursive: true })))).flat();
  return { child, sent, spoke, files };
}

/** Whether a line of a trace contains an address of another machine. */
function isElsewhere(line: string): boolean {
  const address = /inet_addr\("([^"]+)"\)|inet_pton\(AF_INET6, "([^"]+)"/.exec(line);
  const [, four, six] = address ?? [];
  return four ? !four.startsWith('127.') : six !== undefined && six !== '::1';
}

t.test(
  'the service with the embedded engine connects to no other machine and writes no files',
  { timeout: 90_000, ...needing('strace') },
  async (t) => {
    const folders = () => ({ home: {}, cache: {}, tmp: {} });
    const folder = t.testdir({ control: folders(), service: folders() });
    const service = trace(t, join(folder, 'service'), ['src/server.ts']);
    let pid = 0;
    for await (const line of createInterface(service.child.stdout as Readable)) {
      const said = JSON.parse(line) as { msg: string; pid: number };
      const address = /Server listening at (http:\S+)/.exec(said.msg)?.[1];
      if (!address) continue;
      ({ pid } = said);
      t.equal((await postEpisode(address, 3)).status, 200, 'it scores');
      break;
    }
    service.child.stdout?.resume();

    // The control runs for a shorter time than the service. Its queries cannot leave this machine.
    const refused = ['-e', 'inject=connect:error=ENETUNREACH'];
    const control = trace(t, join(folder, 'control'), ['--input-type=module', '--eval', CONTROL], refused);
    await control.spoke;
    t.match(
      await control.files(),
      /deviceid/,
      'with default settings the library looks up a name and stores a device id',
    );
    const ended = once(service.child, 'exit');
    process.kill(pid, 'SIGTERM');
    await ended;
    t.strictSame(service.sent, [], 'in that time the service looked up no name and connected to no other machine');
    t.strictSame(await service.files(), [], 'its home, cache and temporary folders are empty');
  },
);

t.test('only one file loads the library, and it turns telemetry off first', async (t) => {
  const folders = ['src', 'test', 'examples', 'routes'];
  const paths = await Promise.all(
    folders.map(async (folder) =>
      (await readdir(join(ROOT, folder), { recursive: true })).map((path) => join(folder, path)),
    ),
  );
  const loading = [];
  for (const path of paths.flat().filter((path) => path.endsWith('.ts'))) {
    const source = await readFile(join(ROOT, path), 'utf8');
    if (/^(?!import type).*(from|import\() ?'onnxruntime-/m.test(source)) loading.push(path);
  }
  t.strictSame(loading, ['src/engines/embedded/onnxruntime.ts']);
  const script = await readFile(join(ROOT, 'models/recipe/export.py'), 'utf8');
  t.ok(
    script.indexOf('ORT_DISABLE_TELEMETRY') < script.indexOf('import onnxruntime'),
    'the training recipe turns it off first too',
  );
  t.match(script, 'os.environ["ORT_DISABLE_TELEMETRY"] = "1"');
});
