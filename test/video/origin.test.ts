import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { createRenderer } from '../../src/frames/renderer.ts';
import { videoFrames } from '../../src/video/frames.ts';

const renderer = createRenderer(1, 1000);
t.teardown(() => renderer.close());

/** The origin of an episode in a file with this content, whose first frame has this time. */
async function originOf(t: Test, content: Buffer, firstTick = 0): Promise<string> {
  const folder = t.testdir();
  const path = join(folder, 'video');
  writeFileSync(path, content);
  const tools = { ffmpeg: '/nowhere', ffprobe: '/nowhere', version: '7.0', prlimit: undefined };
  const place = { part: 'video' };
  const file = {
    path,
    folder,
    bytes: content.length,
    tools,
    timeoutS: 60,
    place,
    container: 'mov',
    samples: 2,
  } as const;
  const times = { timeBase: { num: 1, den: 1000 }, ticks: [firstTick, firstTick + 40], timestampsS: [0, 0.04] };
  const video = { codec: 'h264', size: { width: 4, height: 2 }, ...times, fromStart: firstTick === 0, warnings: [] };
  const enter = () => Promise.reject(new Error('No frame is decoded.'));
  return videoFrames(file, video, renderer, enter).origin();
}

const content = (length: number, at?: number) => {
  const bytes = Buffer.alloc(length, 7);
  if (at !== undefined) bytes[at] = 8;
  return bytes;
};

t.test('an episode of the same video has the same origin, and any other one another', async (t) => {
  const origin = await originOf(t, content(200_000));
  t.equal(await originOf(t, content(200_000)), origin);
  const others = [
    await originOf(t, content(200_001)),
    await originOf(t, content(200_000), 40),
    await originOf(t, content(200_000, 0)),
    await originOf(t, content(200_000, 65_535)),
  ];
  t.equal(new Set([origin, ...others]).size, 5);
});

t.test('a file is not read completely', async (t) => {
  t.equal(await originOf(t, content(200_000, 65_536)), await originOf(t, content(200_000)));
});
