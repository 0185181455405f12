import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import t, { type Test } from 'tap';
import { createUploadStorage, onDisk, sweepUploads } from '../../src/video/storage.ts';
import { storeVideo } from '../../src/video/video-file.ts';

const place = { part: 'video' };
const ROOT = tmpdir();
const LONG_AGO = new Date(Date.now() - 25 * 60 * 60 * 1000);

/** Sets the folder of temporary files for one test. A short path, because a socket is made in it. */
function useFolder(t: Test, folder = mkdtempSync(join(ROOT, 'storage-'))): string {
  const before = process.env['TMPDIR'];
  process.env['TMPDIR'] = folder;
  t.teardown(() => {
    if (before === undefined) delete process.env['TMPDIR'];
    else process.env['TMPDIR'] = before;
    rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}

/** Removes abandoned uploads. @returns the messages of the log */
async function sweep(): Promise<string[]> {
  const lines: string[] = [];
  const log = pino({}, { write: (line: string) => void lines.push((JSON.parse(line) as { msg: string }).msg) });
  await sweepUploads(log);
  return lines;
}

async function* chunksOf(...texts: string[]): AsyncGenerator<Buffer> {
  for (const text of texts) yield Buffer.from(text);
}

t.test('uploads have folders of their own, and closing removes them all', async (t) => {
  const root = useFolder(t);
  const storage = createUploadStorage();
  t.strictSame(readdirSync(root), [], 'nothing is made before the first upload');
  const [one, other] = await Promise.all([storage.makeFolder(), storage.makeFolder()]);
  t.not(one, other);
  t.equal(readdirSync(root).length, 1, 'both are in one folder');
  await storage.close();
  t.strictSame(readdirSync(root), []);
  await storage.close();
});

t.test('if the system removed the folder, a new one is made', async (t) => {
  const root = useFolder(t);
  const storage = createUploadStorage();
  t.teardown(() => storage.close());
  await storage.makeFolder();
  for (const name of readdirSync(root)) rmSync(join(root, name), { recursive: true });
  t.ok(existsSync(await storage.makeFolder()));
});

t.test('after a failure the next upload tries again', async (t) => {
  const root = useFolder(t);
  process.env['TMPDIR'] = join(root, 'later');
  const storage = createUploadStorage();
  t.teardown(() => storage.close());
  await t.rejects(storage.makeFolder(), { code: 'ENOENT' });
  await storage.close();
  mkdirSync(join(root, 'later'));
  t.ok(existsSync(await storage.makeFolder()));
});

t.test('the uploads of a killed process are removed, and nothing else', async (t) => {
  const root = useFolder(t);
  const make = (name: string, when?: Date) => {
    const path = join(root, name);
    mkdirSync(path);
    if (when) utimesSync(path, when, when);
    return path;
  };
  const storage = createUploadStorage();
  t.teardown(() => storage.close());
  await storage.makeFolder();
  const [alive = ''] = readdirSync(root);
  const killed = make('topreward-killed');
  // A process that is killed leaves a socket to which nobody listens.
  const program = `require('node:net').createServer().listen('alive', () => process.kill(process.pid, 'SIGKILL'))`;
  t.throws(() => execFileSync(process.execPath, ['-e', program], { cwd: killed, stdio: 'ignore' }));
  t.ok(existsSync(join(killed, 'alive')));
  make('topreward-oldOne', LONG_AGO);
  make('topreward-newOne');
  make('topreward-of-another-program', LONG_AGO);
  writeFileSync(join(root, 'topreward-a_File'), '');
  writeFileSync(join(root, 'topreward-aFile1'), '');
  symlinkSync(make('elsewhere'), join(root, 'topreward-symlnk'));
  const lines = await sweep();
  t.equal(lines.length, 2);
  t.strictSame(
    readdirSync(root).sort(),
    [
      ...['elsewhere', alive, 'topreward-a_File', 'topreward-aFile1'],
      ...['topreward-newOne', 'topreward-of-another-program', 'topreward-symlnk'],
    ].sort(),
  );
});

t.test('in a long TMPDIR there is no socket, and the age of a folder decides', async (t) => {
  const root = useFolder(t);
  const long = join(root, 'x'.repeat(100));
  mkdirSync(long);
  process.env['TMPDIR'] = long;
  const storage = createUploadStorage();
  t.teardown(() => storage.close());
  const upload = await storage.makeFolder();
  const [own = ''] = readdirSync(long);
  t.strictSame(readdirSync(join(long, own)), [upload.split('/').at(-1)], 'no socket');
  t.strictSame(await sweep(), []);
  t.ok(existsSync(upload));
  utimesSync(join(long, own), LONG_AGO, LONG_AGO);
  t.equal((await sweep()).length, 1);
  t.notOk(existsSync(upload));
});

t.test('a TMPDIR that cannot be read is reported, and the service starts', async (t) => {
  const root = useFolder(t);
  process.env['TMPDIR'] = join(root, 'missing');
  t.strictSame(await sweep(), ['TMPDIR cannot be read: videos are refused until it is readable']);
});

t.test('an error of the file system is a problem, other errors are not changed', async (t) => {
  const { signal } = new AbortController();
  const full = Object.assign(new Error('no space'), { errno: -28, code: 'ENOSPC' });
  await t.rejects(onDisk(Promise.reject(full), place, signal), {
    code: 'storage-unavailable',
    place: { ...place, retry_after_s: 5 },
    cause: full,
  });
  await t.rejects(onDisk(Promise.reject(new Error('other')), place, signal), { message: 'other' });
  const aborted = AbortSignal.abort(new Error('gone'));
  await t.rejects(onDisk(Promise.reject(full), place, aborted), { message: 'gone' });
  t.equal(await onDisk(Promise.resolve(3), place, signal), 3);
});

t.test('a video is stored until its signal aborts, and only its owner can read it', async (t) => {
  const root = useFolder(t);
  const storage = createUploadStorage();
  t.teardown(() => storage.close());
  const request = new AbortController();
  const { path, folder, bytes } = await storeVideo(chunksOf('one', 'two'), storage, place, request.signal);
  t.equal(readFileSync(path, 'utf8'), 'onetwo');
  t.equal(bytes, 6);
  t.equal(statSync(path).mode & 0o777, 0o600);
  request.abort();
  while (existsSync(folder)) await new Promise(setImmediate);
  const [own = ''] = readdirSync(root);
  t.strictSame(readdirSync(join(root, own)), ['alive']);
});

t.test('an upload that breaks off leaves no file, and its error stays', async (t) => {
  const root = useFolder(t);
  const storage = createUploadStorage();
  t.teardown(() => storage.close());
  const { signal } = new AbortController();
  async function* broken() {
    yield Buffer.from('one');
    throw Object.assign(new Error('connection lost'), { errno: -104, code: 'ECONNRESET' });
  }
  await t.rejects(storeVideo(broken(), storage, place, signal), { code: 'ECONNRESET' }, 'it is no error of the disk');
  const [own = ''] = readdirSync(root);
  t.strictSame(readdirSync(join(root, own)), ['alive']);
  const over = AbortSignal.abort(new Error('gone'));
  await t.rejects(storeVideo(chunksOf('one'), storage, place, over), { message: 'gone' });
});
