import t from 'tap';
import type { RewardResult } from '../../schemas/reward.ts';
import { comparable, isProblem, resultOf } from '../support/answers.ts';
import { buildTestApp } from '../support/app.ts';
import { episodePart, framePart, multipart, npyPart, type Part, postParts } from '../support/forms.ts';
import { episodePixels, frameFiles, HEIGHT, npyFile, WIDTH } from '../support/images.ts';
import { EPISODE } from '../support/stub-engine.ts';

const COUNT = 5;
const app = await buildTestApp(t, { MAX_FRAMES: COUNT });
const episode = episodePart(EPISODE);
const frames = (await frameFiles(COUNT)).map(framePart);
const npyOf = (count: number) => npyPart(npyFile(episodePixels(count), { shape: [count, HEIGHT, WIDTH, 3] }));
const answers = async (parts: Part[]) => comparable(resultOf(t, await postParts(app, parts)));
const expected = await answers([episode, ...frames]);

/** How API pages and an HTML form send a file field without a file. */
const SENDERS: Record<string, Partial<Part>> = {
  'API pages': {},
  'an HTML form': { filename: '', type: 'application/octet-stream' },
};

for (const [sender, how] of Object.entries(SENDERS)) {
  const empty = (name: string): Part => ({ name, content: '', ...how });

  t.test(`${sender}: a file field without a file is ignored`, async (t) => {
    const [noFrames, noNpy, noVideo] = [empty('frames'), empty('npy'), empty('video')];
    t.strictSame(
      await answers([noNpy, noVideo, episode, ...frames]),
      expected,
      'at the start, with the maximum number of frames',
    );
    t.strictSame(await answers([episode, ...frames, noNpy, noVideo]), expected, 'at the end');
    t.strictSame(await answers([noFrames, episode, npyOf(COUNT), noVideo]), expected, 'around npy');
  });

  t.test(`${sender}: if no field has a file, the episode has no frames`, async (t) => {
    const answer = await postParts(app, [episode, empty('frames'), empty('npy'), empty('video')]);
    isProblem(t, answer, 'no-frames');
  });

  t.test(`${sender}: an empty part next to others of the same name is refused`, async (t) => {
    const [first, second] = frames as [Part, Part];
    for (const [at, parts] of [
      [0, [empty('frames'), first, second]],
      [1, [first, empty('frames'), second]],
      [2, [first, second, empty('frames')]],
      [0, [empty('frames'), empty('frames')]],
    ] as const)
      isProblem(t, await postParts(app, [episode, ...parts]), 'not-an-image', { part: 'frames', frame: at });
    isProblem(t, await postParts(app, [episode, empty('npy'), npyOf(3)]), 'invalid-npy', { part: 'npy' });
  });

  t.test(`${sender}: a batch treats empty fields the same way`, async (t) => {
    const batchPart = (items: object[]): Part => ({ name: 'batch', content: JSON.stringify({ items }) });
    const post = async (parts: Part[]) => {
      const { headers, payload } = multipart(parts);
      const { body } = await app.inject({ method: 'POST', url: '/v1/rewards/batch', headers, payload });
      const lines: { index: number; result?: RewardResult; problem?: { code: string } }[] = body
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line));
      return lines
        .filter(({ index }) => index !== undefined)
        .sort((a, b) => a.index - b.index)
        .map(({ result, problem }) => result?.prefixes.at(-1)?.length ?? problem?.code);
    };
    const counted = batchPart([
      { episode: EPISODE, frame_count: 2 },
      { episode: EPISODE, frame_count: 3 },
    ]);
    t.strictSame(await post([empty('npy'), counted, ...frames, empty('video')]), [2, 3]);
    const whole = batchPart([{ episode: EPISODE }, { episode: EPISODE }]);
    t.strictSame(await post([empty('frames'), whole, npyOf(2), npyOf(3), empty('video')]), [2, 3]);
    const lost = [whole, empty('npy'), npyOf(3)];
    t.strictSame(await post(lost), ['invalid-npy', 3], 'the second episode keeps its own frames');
  });
}

t.test('a file of zero bytes is refused', async (t) => {
  isProblem(t, await postParts(app, [episode, framePart(Buffer.alloc(0))]), 'not-an-image', { frame: 0 });
  isProblem(t, await postParts(app, [episode, npyPart(Buffer.alloc(0))]), 'invalid-npy', { part: 'npy' });
});
