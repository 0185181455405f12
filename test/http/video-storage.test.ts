import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmdirSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import t, { type Test } from 'tap';
import { createUploadStorage } from '../../src/video/storage.ts';
import { storeVideo } from '../../src/video/video-file.ts';
import { isProblem, resultOf } from '../support/answers.ts';
import { buildTestApp } from '../support/app.ts';
import { episodePart, framePart, multipart, type Part, postParts } from '../support/forms.ts';
import { frameFile } from '../support/images.ts';
import { needing } from '../support/needs.ts';
import { EPISODE, INSTRUCTION } from '../support/stub-engine.ts';
import { LOSSLESS, makeVideo, uploadsIn } from '../support/videos.ts';

const needs = needing('ffmpeg');
const TMPDIR = tmpdir();
const PATH = process.env['PATH'] as string;
const asked = episodePart({ instruction: INSTRUCTION });
const videoPart = (content: Buffer): Part => ({ name: 'video', content, filename: 'episode.mp4' });
const path = needs.skip ? '' : makeVideo(t, { type: 'mp4', args: LOSSLESS });
const small = needs.skip ? Buffer.alloc(0) : readFileSync(path);
/** The same video, followed by more bytes than the small disk holds. */
const large = Buffer.concat([small, boxOf('free', 2 ** 21)]);

function boxOf(type: string, bytes: number): Buffer {
  const box = Buffer.alloc(bytes);
  box.writeUInt32BE(bytes);
  box.write(type, 4);
  return box;
}

const LONG_AGO = new Date(Date.now() - 25 * 60 * 60 * 1000);

/** Sets the folder of temporary files for one test. */
function useFolder(t: Test, folder: string): void {
  const before = process.env['TMPDIR'];
  process.env['TMPDIR'] = folder;
  t.teardown(() => {
    if (before === undefined) delete process.env['TMPDIR'];
    else process.env['TMPDIR'] = before;
  });
}

/** Mounts a disk of 1 MiB by default. @returns its folder */
function smallDisk(t: Test, options = 'size=1m'): string {
  const disk = mkdtempSync(join(TMPDIR, 'small-disk-'));
  t.teardown(() => rmdirSync(disk));
  execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', disk], { stdio: 'ignore' });
  // Lazy, because a file on the disk may still be open.
  t.teardown(() => execFileSync('umount', ['--lazy', disk]));
  return disk;
}

/** @returns false if a disk can be mounted, otherwise the reason why not */
function mayMount(t: Test): string | false {
  try {
    smallDisk(t);
    return false;
  } catch {
    return 'only root on Linux can mount a small disk';
  }
}

const skip = needs.skip || mayMount(t);

t.test('if the disk is full, the response is 503, and later requests work', { skip }, async (t) => {
  const disk = smallDisk(t);
  const app = await buildTestApp(t, { PATH });
  useFolder(t, disk);
  const place = { part: 'video', retry_after_s: 5 };
  resultOf(t, await postParts(app, [asked, videoPart(small)]));
  isProblem(t, await postParts(app, [asked, videoPart(large)]), 'storage-unavailable', place);
  t.strictSame(uploadsIn(disk), [], 'the part that was written is removed');
  isProblem(t, await postParts(app, [videoPart(large), asked]), 'storage-unavailable', place);
  const payload = { episode: { instruction: INSTRUCTION }, video: large.toString('base64') };
  const json = await app.inject({ method: 'POST', url: '/v1/rewards', payload });
  isProblem(t, json, 'storage-unavailable', { pointer: '/video', retry_after_s: 5 });
  resultOf(t, await postParts(app, [episodePart(EPISODE), framePart(await frameFile())]));
  resultOf(t, await postParts(app, [asked, videoPart(small)]));
});

interface Line {
  event: string;
  index: number;
  problem?: { code: string; status: number; retry_after_s: number };
}

const linesOf = (body: string): Line[] =>
  body
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
    .sort((one, other) => one.index - other.index);

t.test('in a batch, a full disk affects only the episodes that do not fit', { skip }, async (t) => {
  const disk = smallDisk(t);
  const app = await buildTestApp(t, { PATH });
  useFolder(t, disk);
  const frame = await frameFile();
  const full = { event: 'problem', problem: { code: 'storage-unavailable', status: 503, retry_after_s: 5 } };
  const expected = [full, { event: 'result' }, full, { event: 'result' }];
  const items = [
    { episode: { instruction: INSTRUCTION }, video: large.toString('base64') },
    { episode: EPISODE, frames: [frame.toString('base64')] },
    { episode: { instruction: INSTRUCTION }, video: large.toString('base64') },
    { episode: { instruction: INSTRUCTION }, video: small.toString('base64') },
  ];
  const json = await app.inject({ method: 'POST', url: '/v1/rewards/batch', payload: { items } });
  t.equal(json.statusCode, 200);
  t.match(linesOf(json.body).slice(0, 4), expected);
  const listed = [
    { episode: { instruction: INSTRUCTION }, video: 0 },
    { episode: EPISODE, frame_count: 1 },
    { episode: { instruction: INSTRUCTION }, video: 0 },
    { episode: { instruction: INSTRUCTION }, video: 1 },
  ];
  const parts = [
    { name: 'batch', content: JSON.stringify({ items: listed }) },
    videoPart(large),
    framePart(frame),
    videoPart(small),
  ];
  const form = await app.inject({ method: 'POST', url: '/v1/rewards/batch', ...multipart(parts) });
  t.match(linesOf(form.body).slice(0, 4), expected);
});

t.test('if the temporary folder cannot be used, only videos are refused', needs, async (t) => {
  const folder = t.testdir({ file: 'not a folder' });
  const folders = [join(folder, 'missing'), join(folder, 'file'), ...(skip ? [] : [smallDisk(t, 'ro')])];
  for (const unusable of folders) {
    useFolder(t, unusable);
    const app = await buildTestApp(t, { PATH });
    isProblem(t, await postParts(app, [asked, videoPart(small)]), 'storage-unavailable', { part: 'video' });
    resultOf(t, await postParts(app, [episodePart(EPISODE), framePart(await frameFile())]));
  }
  useFolder(t, join(folder, 'missing'));
  const app = await buildTestApp(t, { PATH });
  isProblem(t, await postParts(app, [asked, videoPart(small)]), 'storage-unavailable');
  mkdirSync(join(folder, 'missing'));
  resultOf(t, await postParts(app, [asked, videoPart(small)]));
});

t.test('the service creates its folder again if it was deleted, and removes it at the end', needs, async (t) => {
  const folder = t.testdir();
  useFolder(t, folder);
  const app = await buildTestApp(t, { PATH });
  t.strictSame(readdirSync(folder), [], 'there is no folder before the first video');
  resultOf(t, await postParts(app, [asked, videoPart(small)]));
  const [first] = readdirSync(folder) as [string];
  rmSync(join(folder, first), { recursive: true });
  resultOf(t, await postParts(app, [asked, videoPart(small)]));
  t.equal(readdirSync(folder).length, 1);
  await app.close();
  t.strictSame(readdirSync(folder), []);
});

t.test('videos work in a folder whose path is too long for a socket', needs, async (t) => {
  const folder = join(t.testdir(), 'a'.repeat(100));
  for (const name of ['topreward-ABCold', 'topreward-ABCnew']) mkdirSync(join(folder, name), { recursive: true });
  utimesSync(join(folder, 'topreward-ABCold'), LONG_AGO, LONG_AGO);
  useFolder(t, folder);
  const app = await buildTestApp(t, { PATH });
  t.strictSame(readdirSync(folder), ['topreward-ABCnew'], 'only the age shows which folders are unused');
  resultOf(t, await postParts(app, [asked, videoPart(small)]));
});

/**
 * Starts another process that stores an upload and keeps running.
 * @returns the folder of its upload, and a function that kills the process
 */
async function otherService(t: Test): Promise<{ upload: string; kill(): Promise<void> }> {
  const url = new URL('../../src/video/storage.ts', import.meta.url);
  const script = `import { createUploadStorage } from '${url}'; console.log(await createUploadStorage().makeFolder()); setInterval(() => {}, 1e6);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.teardown(() => child.kill('SIGKILL'));
  const [upload] = (await once(createInterface(child.stdout), 'line')) as [string];
  writeFileSync(join(upload, 'video'), small);
  return {
    upload,
    async kill() {
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
  };
}

t.test('at the start, only the folders of killed processes are removed', needs, async (t) => {
  const folder = mkdtempSync(join(TMPDIR, 'sweep-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  // The first two are from an older release, or from processes whose folder path is too long for a socket.
  for (const name of ['topreward-ABCold', 'topreward-ABCnew', 'topreward-ABCDEFG', 'video-ABCDEF', 'elsewhere'])
    mkdirSync(join(folder, name, 'video'), { recursive: true });
  for (const name of ['topreward-ABCold', 'topreward-ABCDEFG', 'video-ABCDEF', 'elsewhere'])
    utimesSync(join(folder, name), LONG_AGO, LONG_AGO);
  symlinkSync(join(folder, 'elsewhere'), join(folder, 'topreward-ABClnk'));
  useFolder(t, folder);
  const killed = await otherService(t);
  const running = await otherService(t);
  await buildTestApp(t, { PATH });
  t.ok(existsSync(killed.upload), 'both processes run');
  await killed.kill();
  // As in another container, where the id of the process that owned it has no meaning.
  const moved = join(folder, 'topreward-ABCmov');
  renameSync(join(killed.upload, '..'), moved);
  await buildTestApp(t, { PATH });
  t.notOk(existsSync(moved), 'the folder of the killed process is removed');
  t.ok(existsSync(join(running.upload, 'video')), 'the folder of the running process remains');
  t.strictSame(
    readdirSync(folder).filter((name) => !running.upload.includes(name)),
    ['elsewhere', 'topreward-ABCDEFG', 'topreward-ABClnk', 'topreward-ABCnew', 'video-ABCDEF'],
  );
  t.ok(existsSync(join(folder, 'elsewhere', 'video')), 'the target of the link remains');
});

/** Files under a folder that this process has open. */
const openIn = (folder: string) =>
  readdirSync('/proc/self/fd').filter((number) => {
    try {
      return readlinkSync(`/proc/self/fd/${number}`).startsWith(`${folder}/`);
    } catch {
      return false;
    }
  });

t.test(
  'an upload that is aborted at any moment leaves no file and no open file descriptor',
  { skip: needs.skip || (existsSync('/proc/self/fd') ? false : 'the system does not list open files') },
  async (t) => {
    const folder = t.testdir();
    useFolder(t, folder);
    const storage = createUploadStorage();
    t.teardown(() => storage.close());
    const reason = new Error('gone');
    async function* chunks() {
      yield small;
      yield small;
    }
    // Creating the folder and the file and writing the bytes each take some turns of the event loop.
    for (let turns = 0; turns < 60; turns += 1) {
      const controller = new AbortController();
      const stored = storeVideo(chunks(), storage, { part: 'video' }, controller.signal);
      const refused = stored.then(
        () => undefined,
        (error) => error,
      );
      for (let turn = 0; turn < turns; turn += 1) await new Promise(setImmediate);
      controller.abort(reason);
      const error = await refused;
      if (error !== undefined && error !== reason) t.equal(error, reason, `after ${turns} turns`);
    }
    while (uploadsIn(folder).length > 0) await new Promise(setImmediate);
    t.strictSame(openIn(folder), []);
  },
);
