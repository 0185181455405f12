import { execFile, execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, readFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import t, { type Test } from 'tap';
import type { ProblemCode } from '../../schemas/problem-kinds.ts';
import { inputOptions } from '../../src/video/video-file.ts';
import { isProblem, resultOf } from '../support/answers.ts';
import { buildTestApp, listen, whenLoad } from '../support/app.ts';
import { episodePart, framePart, type Part, partHead, postParts } from '../support/forms.ts';
import { frameFile } from '../support/images.ts';
import { needing } from '../support/needs.ts';
import { rawClient } from '../support/sockets.ts';
import { EPISODE, INSTRUCTION, stubEngine } from '../support/stub-engine.ts';
import { LOSSLESS, makeVideo, remux, uploadsIn } from '../support/videos.ts';

const needs = needing('ffmpeg');

const PATH = process.env['PATH'] as string;
// A folder for the temporary files of this test. None may remain.
const folder = t.testdir();
process.env['TMPDIR'] = folder;
const app = await buildTestApp(t, { PATH });
const videoPart = (content: Buffer): Part => ({ name: 'video', content, filename: 'episode.mp4' });
const asked = episodePart({ instruction: INSTRUCTION });
const sound = needs.skip
  ? Buffer.alloc(0)
  : readFileSync(makeVideo(t, { type: 'mp4', args: [...LOSSLESS, '-movflags', 'faststart'] }));

/** Checks after each turn of the event loop, until no upload is on disk. */
async function cleared(t: Test) {
  while (uploadsIn(folder).length > 0) await new Promise(setImmediate);
  t.pass('no upload remains on disk');
}

async function refused(t: Test, content: Buffer, code: ProblemCode, place: object = { part: 'video' }) {
  const problem = isProblem(t, await postParts(app, [asked, videoPart(content)]), code, place);
  t.notMatch(problem.detail, /topreward-|\/video|0x[0-9a-f]{6}/, 'the detail has no path or address of the machine');
  await cleared(t);
}

t.test('a file that is not a video is refused', needs, async (t) => {
  for (const [what, content] of [
    ['an empty file', Buffer.alloc(0)],
    ['text', Buffer.from('not a video at all, but long enough for one')],
    ['an image', await frameFile('png')],
    ['a playlist', Buffer.from('#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n')],
    ['a list of files', Buffer.from("ffconcat version 1.0\nfile '/etc/passwd'\n")],
  ] as [string, Buffer][])
    await t.test(what, (t) => refused(t, content, 'not-a-video'));
});

t.test(
  'a playlist cannot open other files or addresses; each of two protections is enough on its own',
  needs,
  async (t) => {
    let connections = 0;
    const server = createServer((socket) => {
      connections += 1;
      socket.destroy();
    }).listen(0, '127.0.0.1');
    t.teardown(() => server.close());
    await once(server, 'listening');
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/secret.ts`;
    const lists = {
      hls: `#EXTM3U\n#EXTINF:1,\n${url}\n#EXT-X-ENDLIST\n`,
      concat: `ffconcat version 1.0\nfile '${url}'\n`,
    };
    const box = Buffer.from('\0\0\0\x18ftypmp42\0\0\0\0mp42isom');
    const reading = promisify(execFile);
    /** Runs ffprobe, which must not find a video. @returns the number of connections that it makes */
    const reached = async (args: string[]) => {
      const before = connections;
      await t.rejects(reading('ffprobe', ['-v', 'error', ...args], { timeout: 20_000 }));
      return connections - before;
    };
    for (const [kind, list] of Object.entries(lists)) {
      await refused(t, Buffer.from(list), 'not-a-video');
      await refused(t, Buffer.concat([box, Buffer.from(list)]), 'video-damaged');
      t.equal(connections, 0, `${kind}: there was no connection`);
      const path = join(t.testdir({ list }), 'list');
      const bound = (container: string) => inputOptions({ path, container } as Parameters<typeof inputOptions>[0]);
      const unsafe = kind === 'concat' ? ['-safe', '0'] : ['-allowed_extensions', 'ALL'];
      const open = ['-protocol_whitelist', 'file,http,tcp', ...unsafe, '-f', kind, '-i', path];
      t.ok((await reached(open)) > 0, `${kind}: without the protections ffprobe makes a connection`);
      for (const container of ['mov', 'matroska'])
        t.equal(await reached(bound(container)), 0, `${kind}: no connection if the format is set to ${container}`);
      t.equal(await reached([...unsafe, ...bound(kind)]), 0, `${kind}: no connection with the other protection only`);
      connections = 0;
    }
  },
);

t.test('unsupported formats are refused', needs, async (t) => {
  const kinds: [what: string, type: 'mp4' | 'mkv' | 'avi', args: string[]][] = [
    ['AVI', 'avi', ['-c:v', 'mpeg4']],
    ['another codec', 'mkv', ['-c:v', 'ffv1']],
    ['ten bits', 'mp4', ['-c:v', 'libx264', '-pix_fmt', 'yuv420p10le']],
    ['a high dynamic range', 'mp4', ['-c:v', 'libx264', '-pix_fmt', 'yuv420p', '-color_trc', 'smpte2084']],
  ];
  const sine = ['-f', 'lavfi', '-i', 'sine=duration=4', '-map', '1:a', '-c:a', 'aac', '-map', '0:v'];
  const silent = remux(makeVideo(t, { type: 'mp4', args: [...sine, ...LOSSLESS] }), [], ['-map', '0:a']);
  await t.test('a file without a video stream', (t) => refused(t, readFileSync(silent), 'video-unsupported'));
  for (const [what, type, args] of kinds) {
    await t.test(what, (t) => refused(t, readFileSync(makeVideo(t, { type, args })), 'video-unsupported'));
  }
});

t.test('a damaged video is refused', needs, async (t) => {
  const middle = Buffer.from(sound);
  middle.fill(0x5a, sound.length >> 1, (sound.length >> 1) + 2000);
  await refused(t, sound.subarray(0, sound.length - 1), 'video-damaged');
  await refused(t, sound.subarray(0, 200), 'video-damaged');
  await refused(t, middle, 'video-damaged');
  const matroska = readFileSync(makeVideo(t, { type: 'mkv', args: LOSSLESS }));
  await refused(t, matroska.subarray(0, matroska.length - 1), 'video-damaged');
  await refused(t, matroska.subarray(0, 40), 'video-damaged');
});

t.test('a video whose frame size changes is refused', needs, async (t) => {
  const args = ['-c:v', 'libx264', '-preset', 'ultrafast'];
  const small = makeVideo(t, { type: 'mp4', args, count: 20 });
  const large = join(t.testdir(), 'joined.mkv');
  const other = makeVideo(t, { type: 'mp4', args, count: 20, width: 96, height: 96 });
  const raw = (path: string) =>
    execFileSync('ffmpeg', ['-v', 'error', '-i', path, '-c', 'copy', '-bsf:v', 'h264_mp4toannexb', '-f', 'h264', '-']);
  execFileSync('ffmpeg', ['-v', 'error', '-f', 'h264', '-r', '10', '-i', '-', '-c', 'copy', large], {
    input: Buffer.concat([raw(small), raw(other)]),
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  await refused(t, readFileSync(large), 'video-damaged');
});

t.test('a video is limited in pixels, side, frames and bytes', needs, async (t) => {
  const post = async (limits: Record<string, number>) =>
    postParts(await buildTestApp(t, { PATH, ...limits }), [asked, videoPart(sound)]);
  isProblem(t, await post({ MAX_FRAME_PIXELS: 80 * 64 - 1 }), 'image-too-large', { part: 'video', limit: 5119 });
  t.equal((await post({ MAX_FRAME_PIXELS: 80 * 64 })).statusCode, 200);
  isProblem(t, await post({ MAX_FRAME_SIDE: 79 }), 'image-too-large', { part: 'video', limit: 79 });
  t.equal((await post({ MAX_FRAME_SIDE: 80 })).statusCode, 200);
  isProblem(t, await post({ MAX_FRAMES: 39 }), 'too-many-frames', { part: 'video', limit: 39 });
  t.equal((await post({ MAX_FRAMES: 40 })).statusCode, 200);
  isProblem(t, await post({ MAX_UPLOAD_BYTES: sound.length - 1 }), 'upload-too-large', { limit: sound.length - 1 });
  await cleared(t);
});

t.test('options that do not fit a video are refused', needs, async (t) => {
  const frame = framePart(await frameFile());
  const video = videoPart(sound);
  const post = (episode: object, ...parts: Part[]) => postParts(app, [episodePart(episode), ...parts]);
  const bare = { instruction: INSTRUCTION };
  isProblem(t, await post(EPISODE, video), 'ambiguous-clock', { pointer: '/fps' });
  isProblem(t, await post({ ...bare, timestamps_s: [0, 1] }, video), 'ambiguous-clock', { pointer: '/timestamps_s' });
  isProblem(t, await postParts(app, [video, episodePart(EPISODE)]), 'ambiguous-clock', { pointer: '/fps' });
  isProblem(t, await post(bare, video, frame), 'ambiguous-frames', { part: 'frames' });
  isProblem(t, await post(EPISODE, frame, video), 'ambiguous-frames', { part: 'video' });
  isProblem(t, await post(bare, video, video), 'unexpected-part', { part: 'video' });
  isProblem(t, await post({ ...bare, from_s: 2, to_s: 2 }, video), 'invalid-range', { pointer: '/to_s' });
  isProblem(t, await post({ ...bare, from_s: -1 }, video), 'invalid-request', { pointer: '/from_s' });
  isProblem(t, await post({ ...EPISODE, to_s: 2 }, frame), 'invalid-range');
  isProblem(t, await post({ ...bare, from_s: 4 }, video), 'no-frames', { part: 'video' });
  isProblem(t, await post({ ...bare, frame_digests: [''] }, video), 'invalid-request', { pointer: '/frame_digests' });
  isProblem(t, await post(bare, frame), 'missing-clock', { pointer: '/fps' });
  isProblem(t, await post(bare), 'missing-clock', { pointer: '/fps' });
  await cleared(t);
});

t.test('without ffmpeg, videos are refused and frames are scored', needs, async (t) => {
  for (const settings of [{ PATH: '' }, { PATH, FFMPEG_DIR: t.testdir() }]) {
    const bare = await buildTestApp(t, settings);
    isProblem(t, await postParts(bare, [asked, videoPart(sound)]), 'video-unavailable', { part: 'video' });
    t.equal((await bare.inject('/v1/model')).json().video, false);
    t.equal((await postParts(bare, [episodePart(EPISODE), framePart(await frameFile())])).statusCode, 200);
  }
});

/** A folder with scripts in place of the programs of ffmpeg. */
function tools(t: Test, script: { ffmpeg?: string; ffprobe?: string }): string {
  const real = (name: string) => `exec /usr/bin/env -i PATH='${PATH}' ${name} "$@"`;
  const files = t.testdir({
    ffmpeg: `#!/bin/sh\n[ "$1" = -version ] && echo 'ffmpeg version 7.0' && exit\n${script.ffmpeg ?? real('ffmpeg')}\n`,
    ffprobe: `#!/bin/sh\n${script.ffprobe ?? real('ffprobe')}\n`,
  });
  for (const name of ['ffmpeg', 'ffprobe']) chmodSync(join(files, name), 0o755);
  return files;
}

t.test('a video that takes too long is refused', needs, async (t) => {
  for (const slow of ['ffprobe', 'ffmpeg']) {
    await t.test(slow, async (t) => {
      const FFMPEG_DIR = tools(t, { [slow]: 'exec /bin/sleep 600' });
      const slowApp = await buildTestApp(t, { FFMPEG_DIR, VIDEO_TIMEOUT_S: slow === 'ffprobe' ? 0.1 : 5 });
      isProblem(t, await postParts(slowApp, [asked, videoPart(sound)]), 'video-timeout', { part: 'video' });
      await cleared(t);
    });
  }
});

t.test('a video is refused if the decoder returns too much, too little or other times', needs, async (t) => {
  const note = (tick: number) => `0, ${tick}, ${tick}, 1, 160, 0x0`;
  const frame = 'head -c 15360 /dev/zero';
  // Every fifth of 40 frames is sampled, so there are eight; frames 0 to 35 are decoded.
  const right = Array.from({ length: 36 }, (_, i) => note(i * 1024));
  const scripts: [what: string, pixels: string, notes: string[], expected: number][] = [
    ['the expected output', `${frame.replace('15360', '122880')}`, right, 200],
    ['one frame too many', `${frame.replace('15360', '138240')}`, right, 422],
    ['one frame too few', `${frame.replace('15360', '107520')}`, right, 422],
    ['one byte too few', `${frame.replace('15360', '122879')}`, right, 422],
    ['one byte too many', `${frame.replace('15360', '122881')}`, right, 422],
    ['a missing time', `${frame.replace('15360', '122880')}`, right.toSpliced(7, 1), 422],
    ['a wrong time', `${frame.replace('15360', '122880')}`, right.with(7, note(7 * 1024 + 1)), 422],
    ['another width', `${frame.replace('15360', '122880')}`, right.with(7, '0, 7168, 7168, 1, 192, 0x0'), 422],
    ['an endless stream', 'cat /dev/zero', right, 422],
  ];
  for (const [what, pixels, notes, expected] of scripts) {
    await t.test(what, async (t) => {
      const lines = notes.map((line) => `echo '${line}' >&3`).join('\n');
      const FFMPEG_DIR = tools(t, { ffmpeg: `PATH=/usr/bin:/bin\n${lines}\n${pixels}` });
      const other = await buildTestApp(t, { FFMPEG_DIR });
      const answer = await postParts(other, [asked, videoPart(sound)]);
      if (expected === 200) resultOf(t, answer);
      else isProblem(t, answer, 'video-damaged', { part: 'video' });
      await cleared(t);
    });
  }
});

t.test('ffmpeg and ffprobe run without environment and shell, and open one file', needs, async (t) => {
  const log = join(folder, 'seen');
  const watch = (name: string) =>
    `/usr/bin/env > '${log}.${name}.env'; echo "$@" >> '${log}.${name}.args'; exec /usr/bin/env -i PATH='${PATH}' ${name} "$@"`;
  const FFMPEG_DIR = tools(t, { ffprobe: watch('ffprobe'), ffmpeg: watch('ffmpeg') });
  const watched = await buildTestApp(t, { FFMPEG_DIR });
  resultOf(t, await postParts(watched, [asked, videoPart(sound)]));
  for (const name of ['ffprobe', 'ffmpeg']) {
    t.notMatch(readFileSync(`${log}.${name}.env`, 'utf8'), /^(PATH|HOME|TMPDIR)=/m);
    const runs = readFileSync(`${log}.${name}.args`, 'utf8').trimEnd().split('\n');
    t.ok(runs.length > 0, `${name} ran`);
    for (const args of runs) {
      t.match(args, /-max_streams 64 -protocol_whitelist file -enable_drefs 0 -use_absolute_path 0 .*-f mov -i file:/);
      t.same(args.match(/ -i /g), [' -i '], 'one input');
      t.equal(args.match(/-protocol_whitelist/g)?.length, 1, 'the option is set once');
    }
  }
});

t.test('the file is removed if the client disconnects during the upload or while it waits', needs, async (t) => {
  const engine = stubEngine({ until: new Promise(() => {}) });
  const live = await buildTestApp(t, { PATH }, engine);
  const port = await listen(live);
  const sending = await rawClient(t, port);
  sending.post(1_000_000);
  sending.socket.write(Buffer.concat([partHead({ name: 'video', filename: 'v.mp4' }), sound.subarray(0, 1000)]));
  while (uploadsIn(folder).length === 0) await new Promise(setImmediate);
  sending.socket.destroy();
  await cleared(t);

  const waiting = await rawClient(t, port);
  const called = engine.nextCall();
  const body = Buffer.concat([
    partHead(asked),
    Buffer.from(asked.content),
    Buffer.from('\r\n'),
    partHead(videoPart(sound)),
    sound,
    Buffer.from('\r\n--b0undary--\r\n'),
  ]);
  waiting.post(body.length);
  waiting.socket.write(body);
  await called;
  t.equal(uploadsIn(folder).length, 1, 'the file exists while the episode is scored');
  waiting.socket.destroy();
  await cleared(t);
  await whenLoad(live, { active: 0, waiting: 0 });
});

t.test('a program is stopped if the client disconnects', needs, async (t) => {
  for (const name of ['ffprobe', 'ffmpeg']) {
    const pidFile = join(folder, `pid.${name}`);
    const FFMPEG_DIR = tools(t, { [name]: `echo $$ > '${pidFile}'; exec /bin/sleep 600` });
    const live = await buildTestApp(t, { FFMPEG_DIR });
    const client = await rawClient(t, await listen(live));
    const body = Buffer.concat([
      ...[partHead(asked), Buffer.from(asked.content), Buffer.from('\r\n')],
      ...[partHead(videoPart(sound)), sound, Buffer.from('\r\n--b0undary--\r\n')],
    ]);
    client.post(body.length);
    client.socket.write(body);
    let pid = 0;
    while (pid === 0) {
      await new Promise(setImmediate);
      if (existsSync(pidFile)) pid = Number(readFileSync(pidFile, 'utf8'));
    }
    t.ok(isRunning(pid), `${name} runs`);
    client.socket.destroy();
    while (isRunning(pid)) await new Promise(setImmediate);
    await cleared(t);
  }
});

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

t.test('the file is removed if the deadline passes during the upload', needs, async (t) => {
  const live = await buildTestApp(t, { PATH, DEADLINE_S: 0.3 });
  const port = await listen(live);
  const sending = await rawClient(t, port);
  sending.post(1_000_000);
  sending.socket.write(Buffer.concat([partHead({ name: 'video', filename: 'v.mp4' }), sound.subarray(0, 1000)]));
  isProblem(t, await sending.answer(), 'upload-timeout');
  await cleared(t);
});
