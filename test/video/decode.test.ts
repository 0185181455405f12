import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { runInNewContext } from 'node:vm';
import t, { type Test } from 'tap';
import { decodeFrames } from '../../src/video/decode.ts';
import type { ProbedVideo } from '../../src/video/probe.ts';

const place = { part: 'video' };
const SIZE = { width: 4, height: 2 };
const FRAME_BYTES = 3 * SIZE.width * SIZE.height;

/** A video of this many frames, 40 ticks apart, from tick 100 on. A tick is 1 ms. */
function video(count: number): ProbedVideo {
  const ticks = Array.from({ length: count }, (_, i) => 100 + 40 * i);
  const timestampsS = ticks.map((tick) => tick / 1000);
  const common = { codec: 'h264', timeBase: { num: 1, den: 1000 }, fromStart: true, warnings: [] };
  return { ...common, size: SIZE, ticks, timestampsS };
}

/** What the stand-in for ffmpeg writes. */
interface Written {
  pixels: Buffer;
  /** ticks and widths of the decoded frames */
  notes: [tick: number, width: number][];
  /** last commands of its script */
  last?: string;
}

/** Makes a stand-in for ffmpeg. It stores its process id and its arguments, which `args` reads. */
function standIn(t: Test, { pixels, notes, last = '' }: Written) {
  const folder = t.testdir();
  const at = (name: string) => join(folder, name);
  const lines = notes.map(([tick, width]) => `0, ${tick}, ${tick}, 1, ${2 * width}, 0x0\n`);
  writeFileSync(at('pixels'), pixels);
  writeFileSync(at('notes'), ['#a header\n', ...lines].join(''));
  const script = [
    '#!/bin/sh',
    `echo $$ > ${at('pid')}`,
    `printf '%s\\n' "$@" > ${at('arguments')}`,
    `/bin/cat ${at('notes')} >&3`,
  ];
  writeFileSync(at('ffmpeg'), [...script, `/bin/cat ${at('pixels')}`, last, ''].join('\n'));
  chmodSync(at('ffmpeg'), 0o755);
  const tools = { ffmpeg: at('ffmpeg'), ffprobe: '/nowhere', version: '7.0', prlimit: undefined };
  const common = { bytes: 1000, timeoutS: 60, place, container: 'mov', samples: 10 } as const;
  const args = () => readFileSync(at('arguments'), 'utf8').trimEnd().split('\n');
  return { file: { ...common, path: at('video'), folder, tools }, args };
}

const frame = (value: number) => Buffer.alloc(FRAME_BYTES, value);
const notesOf = ({ ticks }: ProbedVideo, from: number, to: number): Written['notes'] =>
  ticks.slice(from, to + 1).map((tick) => [tick, SIZE.width]);

/** Decodes frames 2, 3 and 5 of ten. @returns number and first byte of each */
async function decode(t: Test, change: Partial<Written> = {}) {
  const whole = video(10);
  const pixels = Buffer.concat([frame(2), frame(3), frame(5)]);
  const { file } = standIn(t, { pixels, notes: notesOf(whole, 2, 5), ...change });
  const { signal } = new AbortController();
  const seen: [index: number, first: number | undefined][] = [];
  for await (const { index, bytes } of decodeFrames(file, whole, [2, 3, 5], { seek: true, signal })) {
    t.equal(bytes.length, FRAME_BYTES, 'a complete frame');
    seen.push([index, bytes[0]]);
  }
  return seen;
}

/** How deeply the brackets of an expression are nested. */
function nesting(expression: string): number {
  let [depth, most] = [0, 0];
  for (const letter of expression) {
    if (letter === '(') depth += 1;
    if (letter === ')') depth -= 1;
    most = Math.max(most, depth);
  }
  return most;
}

t.test('the frames that were requested come in order', async (t) => {
  t.strictSame(await decode(t), [
    [2, 2],
    [3, 3],
    [5, 5],
  ]);
});

t.test('any fault of the output is a damaged video, with the first frame that is wrong', async (t) => {
  const right = notesOf(video(10), 2, 5);
  const pixels = Buffer.concat([frame(2), frame(3), frame(5)]);
  const cases: [what: string, change: Partial<Written>, frame: number][] = [
    ['one byte too few', { pixels: pixels.subarray(0, -1) }, 2],
    ['one frame too few', { pixels: pixels.subarray(0, -FRAME_BYTES) }, 2],
    ['one byte too many', { pixels: Buffer.concat([pixels, Buffer.alloc(1)]) }, 2],
    ['one frame too many', { pixels: Buffer.concat([pixels, frame(6)]) }, 2],
    ['a wrong time', { notes: right.with(2, [181, SIZE.width]) }, 4],
    ['another width', { notes: right.with(3, [300, SIZE.width + 1]) }, 5],
    ['a missing time', { notes: right.slice(0, -1) }, 5],
    ['one time too many', { notes: [...right, [340, SIZE.width]] }, 2],
    ['a failure', { last: 'echo broken >&2; exit 1' }, 2],
  ];
  for (const [what, change, frame] of cases)
    await t.rejects(decode(t, change), { code: 'video-damaged', place: { ...place, frame } }, what);
  await t.rejects(decode(t, { last: 'echo broken >&2; exit 1' }), { cause: { message: 'broken' } });
});

t.test('only a run that seeks has the options to seek', async (t) => {
  const whole = video(10);
  for (const seek of [true, false]) {
    const { file, args } = standIn(t, { pixels: frame(0), notes: notesOf(whole, 4, 4) });
    const { signal } = new AbortController();
    await Array.fromAsync(decodeFrames(file, whole, [4], { seek, signal }));
    const given = args();
    t.equal(given.includes('-ss'), seek);
    if (seek) t.equal(given[given.indexOf('-ss') + 1], '260000us', 'the time of the file itself');
    t.equal(given.includes('explode'), seek);
    const [trim, select] = (given[given.indexOf('-filter_complex') + 1] as string).split(';');
    t.equal(trim, '[0:V:0]trim=start_pts=260:end_pts=261,split[all][each]');
    t.match(select, "select='eq(pts,260)'");
  }
});

t.test('the filter selects exactly the frames that were requested, however many', async (t) => {
  const whole = video(1200);
  for (const count of [1, 2, 3, 100, 500]) {
    const indices = Array.from({ length: count }, (_, i) => 7 + 2 * i + (i % 3 === 0 ? 0 : 1));
    const { file, args } = standIn(t, { pixels: Buffer.alloc(0), notes: [] });
    const { signal } = new AbortController();
    await t.rejects(Array.fromAsync(decodeFrames(file, whole, indices, { seek: true, signal })), {
      code: 'video-damaged',
    });
    const filter = /select='([^']+)'/.exec(args().join(' '))?.[1] as string;
    const functions = {
      choose: (is: boolean, one: boolean, other: boolean) => (is ? one : other),
      lt: (a: number, b: number) => a < b,
      eq: (a: number, b: number) => a === b,
      ticks: whole.ticks,
    };
    const expression = `ticks.flatMap((pts, index) => ${filter.replaceAll('if(', 'choose(')} ? index : [])`;
    t.strictSame([...runInNewContext(expression, functions)], indices, `${count} frames`);
    t.ok(nesting(filter) <= 2 + Math.ceil(Math.log2(count)), 'a tree that is not deep');
  }
});

t.test('a caller that stops early ends the program', async (t) => {
  const whole = video(10);
  const { file } = standIn(t, { pixels: frame(4), notes: [], last: 'exec /bin/sleep 60' });
  const stop = new AbortController();
  t.teardown(() => stop.abort());
  for await (const { index, bytes } of decodeFrames(file, whole, [4, 5], { seek: true, signal: stop.signal })) {
    t.same([index, bytes[0]], [4, 4]);
    break;
  }
  const pid = Number(readFileSync(join(file.folder, 'pid'), 'utf8'));
  while (isAlive(pid)) await setImmediate();
  t.pass('the program has ended');
});

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
