import { execFileSync } from 'node:child_process';
import { closeSync, existsSync, openSync } from 'node:fs';
import t from 'tap';
import { startTool } from '../../src/video/process.ts';
import { findVideoTools } from '../../src/video/tools.ts';
import { isNewEnough, parseVersion } from '../../src/video/version.ts';
import { needing } from '../support/needs.ts';

/** The first line that each build prints, and its library versions. */
const BUILDS: [line: string, avutil: string, avcodec: string, isNew: boolean][] = [
  // The first four lines are output of real builds.
  ['5.1.9-0+deb12u1 Copyright (c) 2000-2026 the FFmpeg developers', '57. 28.100', '59. 37.100', true],
  ['7.0.2-static https://johnvansickle.com/ffmpeg/  Copyright (c) 2000-2024', '59.  8.100', '61.  3.100', true],
  ['n9.0.2-17-g2a571b6068-20260930 Copyright (c) 2000-2026', '61.  1.102', '63.  1.102', true],
  ['4.2.2-static https://johnvansickle.com/ffmpeg/  Copyright (c) 2000-2019', '56. 31.100', '58. 54.100', false],
  ['n4.4', '56. 70.100', '58.134.100', false],
  ['n4.4.1-2-gcc33e73618-20211104', '56. 70.100', '58.134.100', false],
  ['4.4.2-0ubuntu0.22.04.1', '56. 70.100', '58.134.100', false],
  ['n5.0.1', '57. 17.100', '59. 18.100', false],
  ['5.0', '57. 17.100', '59. 18.100', false],
  ['n5.1.2', '57. 28.100', '59. 37.100', true],
  ['5.10', '57. 28.100', '59. 37.100', true],
  ['10.0', '62.  1.100', '64.  1.100', true],
  ['N-113007-g8d24a28d06', '58. 36.100', '60. 36.100', true],
  ['N-101994-g84ac1440b2', '56. 67.100', '58.130.100', false],
  ['N-107000-g0123456789', '57. 27.100', '59. 36.100', false],
  ['git-2020-08-31-4a11a6f', '56. 58.100', '58.101.101', false],
  ['2023-03-05-git-912ac82a3c-full_build-www.gyan.dev', '58.  3.100', '60.  6.100', true],
  ['2021-03-05-git-912ac82a3c-full_build-www.gyan.dev', '56. 67.100', '58.130.100', false],
  ['UNKNOWN', '58. 36.100', '60. 36.100', true],
];

t.test('the version of every kind of build is recognised', async (t) => {
  for (const [line, avutil, avcodec, isNew] of BUILDS) {
    const text = `ffmpeg version ${line}\nbuilt with gcc\nlibavutil      ${avutil} / ${avutil}\nlibavcodec     ${avcodec} / ${avcodec}\n`;
    const version = parseVersion(text);
    t.equal(version?.name, line.split(' ')[0]);
    t.equal(version && isNewEnough(version), isNew, line);
  }
  t.equal(parseVersion('sh: ffmpeg: not found'), undefined);
  const nameless = parseVersion('ffmpeg version N-1-gabc\n');
  t.equal(nameless && isNewEnough(nameless), false, 'a build without version numbers is not accepted');
  const built = parseVersion(
    'ffmpeg version git\nlibavutil  56. 70.100 / 57. 28.100\nlibavcodec 58.134.100 / 59. 37.100\n',
  );
  t.equal(built && isNewEnough(built), true, 'the libraries that it runs with count, not those that it was built with');
});

const GiB = 1024 ** 3;
const path = (process.env['PATH'] as string).split(':');
const tools = await findVideoTools(path, path, GiB);
const prlimit = tools?.prlimit;

t.test('the ffmpeg of the system is found', needing('ffmpeg'), async (t) => {
  t.match(tools?.version, /\d/);
  t.equal(
    prlimit !== undefined,
    path.some((folder) => existsSync(`${folder}/prlimit`)),
  );
  t.match(await findVideoTools(path, [], GiB), { prlimit: undefined });
});

t.test('a program runs with limits', { skip: prlimit ? false : 'there is no prlimit' }, async (t) => {
  const place = { part: 'video' };
  const options = { folder: '/', prlimit, memoryBytes: 300_000_000, timeoutS: 60, place };
  const start = (file: string, args: string[]) =>
    startTool(file, args, { ...options, signal: new AbortController().signal });
  const limits = start('/bin/cat', ['/proc/self/limits']);
  let text = '';
  for await (const chunk of limits.output) text += chunk;
  t.equal(await limits.end(), undefined);
  for (const [what, limit] of [
    ['Max data size', 300_000_000],
    ['Max file size', 0],
    ['Max cpu time', 480],
    ['Max core file size', 0],
  ])
    t.match(text, new RegExp(`^${what} +${limit} +${limit} `, 'm'));

  const picture = ['-v', 'error', '-f', 'lavfi', '-i', 'color=size=12000x12000', '-f', 'rawvideo', 'pipe:1'];
  const greedy = start(tools?.ffmpeg as string, picture);
  greedy.output.resume();
  await t.rejects(greedy.end(), { code: 'video-too-large', place: { limit: 300_000_000 } });
  t.type(await start('/bin/sh', ['-c', 'echo no >&2; exit 1']).end(), Error, 'a failure of the program');
  const killed = start('/bin/sh', ['-c', 'kill -9 $$']);
  await t.rejects(
    killed.end(),
    { code: 'video-too-large' },
    'the system killed the program, as it does when memory runs out',
  );
  const stopped = start('/bin/sleep', ['600']);
  stopped.kill();
  t.type(await stopped.end(), Error, 'killed by the service');
  for (const limiting of [prlimit, undefined]) {
    const missing = startTool('/nowhere/ffmpeg', [], {
      ...options,
      prlimit: limiting,
      signal: new AbortController().signal,
    });
    await t.rejects(missing.end(), { code: 'server-busy', place: { ...place, retry_after_s: 5 } });
  }
});

t.test(
  'without file descriptors for a program the server is busy',
  {
    skip: prlimit ? false : 'there is no prlimit',
  },
  async (t) => {
    const place = { part: 'video' };
    const options = { folder: '/', prlimit: undefined, memoryBytes: GiB, timeoutS: 60, place };
    const descriptors = (...args: string[]) =>
      execFileSync(prlimit ?? '', ['--pid', `${process.pid}`, ...args], { encoding: 'utf8' }).trim();
    const before = descriptors('--nofile', '--noheadings', '--output=SOFT');
    const held: number[] = [];
    t.teardown(() => descriptors(`--nofile=${before}:`));
    descriptors('--nofile=256:');
    try {
      t.throws(
        () => {
          for (;;) held.push(openSync('/dev/null', 'r'));
        },
        { code: 'EMFILE' },
      );
      t.throws(() => startTool('/bin/true', [], { ...options, signal: new AbortController().signal }), {
        code: 'server-busy',
        place: { ...place, retry_after_s: 5 },
      });
    } finally {
      for (const descriptor of held) closeSync(descriptor);
    }
  },
);
