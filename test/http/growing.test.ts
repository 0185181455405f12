import { createHash } from 'node:crypto';
import t from 'tap';
import { type Answer, comparable, isProblem, resultOf } from '../support/answers.ts';
import { buildTestApp } from '../support/app.ts';
import { episodePart, framePart, npyPart, type Part, postEpisode, postParts } from '../support/forms.ts';
import { frameFile, HEIGHT, npyFile, testPixels, WIDTH } from '../support/images.ts';
import { EPISODE, INSTRUCTION, stubEngine } from '../support/stub-engine.ts';

const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');
const files = await Promise.all(Array.from({ length: 9 }, (_, seed) => frameFile('png', { seed })));
const digests = files.map(sha256);
const missing = (answer: Answer): string[] => JSON.parse(answer.body).missing;
const step = (count: number, more = {}) => episodePart({ ...EPISODE, frame_digests: digests.slice(0, count), ...more });
const frames = (...indices: number[]) => indices.map((index) => framePart(files[index] as Buffer));

t.test('an episode that grows frame by frame has the log probabilities of the complete episode', async (t) => {
  const app = await buildTestApp(t);
  for (let count = 1; count <= files.length; count += 1) {
    const grown = resultOf(t, await postParts(app, [step(count), ...frames(count - 1)]));
    const whole = resultOf(t, await postEpisode(app, { ...EPISODE, prefixes: { last: 1 } }, files.slice(0, count)));
    const [prefix] = grown.prefixes;
    t.equal(grown.prefixes.length, 1, 'the response has only the new prefix');
    t.equal(prefix?.length, count);
    t.equal(prefix?.log_prob_true, whole.prefixes[0]?.log_prob_true, `${count} frames`);
    t.equal(prefix?.log_prob_false, whole.prefixes[0]?.log_prob_false);
    t.strictSame(grown.provenance, whole.provenance);
  }
});

t.test('only the new frame is rendered', async (t) => {
  const engine = stubEngine();
  const app = await buildTestApp(t, { RECENT_FRAMES_BYTES: 0 }, engine);
  resultOf(t, await postEpisode(app, EPISODE, files.slice(0, 4)));
  resultOf(t, await postParts(app, [step(5), ...frames(4)]));
  t.strictSame([...(engine.calls.at(-1)?.pixels.keys() ?? [])], [4]);
});

t.test('a growing episode returns more prefixes if they are requested', async (t) => {
  const app = await buildTestApp(t);
  const whole = resultOf(t, await postEpisode(app, { ...EPISODE, prefixes: { every: 1 } }, files));
  const grown = resultOf(t, await postParts(app, [step(9, { prefixes: { last: 3 } }), ...frames(8)]));
  t.strictSame(
    grown.prefixes.map(({ length, log_prob_true }) => [length, log_prob_true]),
    whole.prefixes.slice(-3).map(({ length, log_prob_true }) => [length, log_prob_true]),
  );
});

t.test('parts and frames can come in any order, and extra frames are accepted', async (t) => {
  const app = await buildTestApp(t);
  const whole = resultOf(t, await postEpisode(app, { ...EPISODE, prefixes: { last: 1 } }, files.slice(0, 5)));
  const grown = resultOf(t, await postParts(app, [...frames(3, 0, 4), step(5), ...frames(2, 1, 3)]));
  t.equal(grown.prefixes[0]?.log_prob_true, whole.prefixes[0]?.log_prob_true);
});

t.test('frames that are not sampled need neither pixels nor digests', async (t) => {
  const app = await buildTestApp(t);
  // At 8 fps, every fourth frame is sampled.
  const listed = digests.map((digest, index) => (index % 4 === 0 ? digest : ''));
  const episode = { instruction: INSTRUCTION, fps: 8, frame_digests: listed };
  const grown = resultOf(t, await postParts(app, [episodePart(episode), ...frames(0, 4, 8)]));
  t.strictSame(grown.provenance.sampled_frame_indices, [0, 4, 8]);
  const whole = resultOf(t, await postEpisode(app, { ...EPISODE, fps: 8, prefixes: { last: 1 } }, files));
  t.equal(grown.prefixes[0]?.log_prob_true, whole.prefixes[0]?.log_prob_true);
  const unnamed = episodePart({ ...episode, frame_digests: listed.with(4, '') });
  isProblem(t, await postParts(app, [unnamed, ...frames(0, 8)]), 'invalid-request', { pointer: '/frame_digests/4' });
});

t.test('with any timestamps, frames that were dropped because they were not sampled are never requested', async (t) => {
  const app = await buildTestApp(t);
  const random = (seed: number) => () => {
    seed = (seed * 1103515245 + 12345) % 2 ** 31;
    return seed / 2 ** 31;
  };
  for (let run = 0; run < 12; run += 1) {
    const next = random(run);
    // Even gaps, with some frames left out: the frame that was the newest can be sampled when the next one comes late.
    const times = [0];
    while (times.length < 9) times.push((times.at(-1) as number) + (next() < 0.2 ? 0.3 : 0.1));
    const listed: string[] = [];
    for (const [index, digest] of digests.entries()) {
      listed.push(digest);
      const timed = { instruction: INSTRUCTION, timestamps_s: times.slice(0, index + 1) };
      const answer = await postParts(app, [episodePart({ ...timed, frame_digests: listed }), ...frames(index)]);
      const grown = resultOf(t, answer);
      const whole = await postEpisode(app, { ...timed, prefixes: { last: 1 } }, files.slice(0, index + 1));
      t.equal(grown.prefixes[0]?.log_prob_true, resultOf(t, whole).prefixes[0]?.log_prob_true, `${times}`);
      const shown = new Set(grown.provenance.sampled_frame_indices);
      for (const frame of listed.slice(0, -1).keys()) if (!shown.has(frame)) listed[frame] = '';
    }
  }
});

t.test('equal frames are sent once', async (t) => {
  const app = await buildTestApp(t);
  const still = Array.from({ length: 5 }, () => files[0] as Buffer);
  const whole = resultOf(t, await postEpisode(app, { ...EPISODE, prefixes: { last: 1 } }, still));
  const episode = episodePart({ ...EPISODE, frame_digests: still.map(sha256) });
  const grown = resultOf(t, await postParts(app, [episode, ...frames(0)]));
  t.equal(grown.prefixes[0]?.log_prob_true, whole.prefixes[0]?.log_prob_true);
});

t.test('all forgotten frames are requested at once, and the episode then continues', async (t) => {
  const engine = stubEngine();
  const app = await buildTestApp(t, { RECENT_FRAMES_BYTES: 0 }, engine);
  resultOf(t, await postParts(app, [step(4), ...frames(0, 1, 2, 3)]));
  resultOf(t, await postParts(app, [step(5), ...frames(4)]));
  engine.forget();
  const lost = await postParts(app, [step(6), ...frames(5)]);
  isProblem(t, lost, 'frames-missing', { missing: digests.slice(0, 5) });
  const again = missing(lost).map((digest) => framePart(files[digests.indexOf(digest)] as Buffer));
  const mended = resultOf(t, await postParts(app, [step(6), ...again, ...frames(5)]));
  const whole = resultOf(t, await postEpisode(app, { ...EPISODE, prefixes: { last: 1 } }, files.slice(0, 6)));
  t.equal(mended.prefixes[0]?.log_prob_true, whole.prefixes[0]?.log_prob_true);
});

t.test('the service keeps recent frames, so that they are not sent again', async (t) => {
  const engine = stubEngine();
  const app = await buildTestApp(t, {}, engine);
  resultOf(t, await postParts(app, [step(3), ...frames(0, 1, 2)]));
  engine.forget();
  resultOf(t, await postParts(app, [step(4), ...frames(3)]));
  const { body } = await app.inject({ method: 'GET', url: '/metrics' });
  const held = files.slice(0, 4).reduce((sum, { length }) => sum + length + 1024, 0);
  t.match(body, `topreward_recent_frame_bytes_held ${held}\n`);
});

t.test('the memory of recent frames is limited, and the oldest frame is removed first', async (t) => {
  const engine = stubEngine();
  const limit = (files[1] as Buffer).length + (files[2] as Buffer).length + 2 * 1024;
  const app = await buildTestApp(t, { RECENT_FRAMES_BYTES: limit }, engine);
  resultOf(t, await postParts(app, [step(3), ...frames(0, 1, 2)]));
  engine.forget();
  isProblem(t, await postParts(app, [step(3)]), 'frames-missing', { missing: [digests[0] as string] });
});

t.test('a retry after a lost response needs no frames', async (t) => {
  const app = await buildTestApp(t);
  const first = resultOf(t, await postParts(app, [step(5), ...frames(0, 1, 2, 3, 4)]));
  const second = resultOf(t, await postParts(app, [step(5)]));
  t.strictSame(comparable(second), comparable(first));
});

t.test('the size of the frames is read from the newest frame, which must be sent or kept', async (t) => {
  const engine = stubEngine();
  const app = await buildTestApp(t, { RECENT_FRAMES_BYTES: 0 }, engine);
  resultOf(t, await postEpisode(app, EPISODE, files.slice(0, 5)));
  isProblem(t, await postParts(app, [step(5)]), 'frames-missing', { missing: [digests[4] as string] });
  t.equal(engine.calls.length, 1);
  const larger = await frameFile('png', { width: 64, height: 64 });
  const grown = episodePart({ ...EPISODE, frame_digests: [...digests.slice(0, 5), sha256(larger)] });
  const lost = await postParts(app, [grown, framePart(larger)]);
  isProblem(t, lost, 'frames-missing', { missing: digests.slice(0, 5) });
  const again = await postParts(app, [grown, ...frames(0, 1, 2, 3, 4), framePart(larger)]);
  isProblem(t, again, 'frame-sizes-differ', { part: 'frames' });
});

t.test('a tenant cannot use the frames of another tenant', async (t) => {
  const engine = stubEngine();
  const keys = 'alice=aaaaaaaaaaaaaaaaaaaa,bob=bbbbbbbbbbbbbbbbbbbb';
  const app = await buildTestApp(t, { API_KEYS: keys }, engine);
  const as = (letter: string) => ({ authorization: `Bearer ${letter.repeat(20)}` });
  resultOf(t, await postParts(app, [step(4), ...frames(0, 1, 2, 3)], as('a')));
  isProblem(t, await postParts(app, [step(4)], as('b')), 'frames-missing', { missing: [digests[3] as string] });
  const lost = await postParts(app, [step(4), ...frames(3)], as('b'));
  isProblem(t, lost, 'frames-missing', { missing: digests.slice(0, 3) });
});

t.test('a frame that is not in `frame_digests` is refused, before and after the episode part', async (t) => {
  const app = await buildTestApp(t);
  const place = { part: 'frames', frame: 1 };
  isProblem(t, await postParts(app, [step(2), ...frames(0, 2)]), 'unlisted-frame', place);
  isProblem(t, await postParts(app, [...frames(0, 2), step(2)]), 'unlisted-frame', place);
});

t.test('the problem names the damaged frame by its number, and the frame can be sent again', async (t) => {
  const app = await buildTestApp(t);
  const broken = (files[2] as Buffer).subarray(0, -40);
  const episode = episodePart({ ...EPISODE, frame_digests: [...digests.slice(0, 2), sha256(broken)] });
  const answer = await postParts(app, [episode, framePart(broken), ...frames(0, 1)]);
  isProblem(t, answer, 'image-damaged', { part: 'frames', frame: 2 });
  resultOf(t, await postParts(app, [step(3), ...frames(2)]));
});

t.test('frames in a .npy are identified by the digest of each frame', async (t) => {
  const app = await buildTestApp(t);
  const pixels = Array.from({ length: 5 }, (_, seed) => testPixels({ seed }));
  const npy = (...indices: number[]): Part => {
    const content = Buffer.concat(indices.map((index) => pixels[index] as Buffer));
    return npyPart(npyFile(content, { shape: [indices.length, HEIGHT, WIDTH, 3] }));
  };
  const grow = (count: number) => episodePart({ ...EPISODE, frame_digests: pixels.slice(0, count).map(sha256) });
  resultOf(t, await postParts(app, [grow(3), npy(0, 1, 2)]));
  const grown = resultOf(t, await postParts(app, [grow(5), npy(4, 3)]));
  const whole = resultOf(
    t,
    await postParts(app, [episodePart({ ...EPISODE, prefixes: { last: 1 } }), npy(0, 1, 2, 3, 4)]),
  );
  t.equal(grown.prefixes[0]?.log_prob_true, whole.prefixes[0]?.log_prob_true);
});

t.test('a growing episode can be sent as JSON', async (t) => {
  const app = await buildTestApp(t);
  const post = (count: number, sent: number[]) =>
    app.inject({
      method: 'POST',
      url: '/v1/rewards',
      payload: {
        episode: { ...EPISODE, frame_digests: digests.slice(0, count) },
        frames: sent.map((index) => (files[index] as Buffer).toString('base64')),
      },
    });
  resultOf(t, await post(2, [0, 1]));
  const grown = resultOf(t, await post(3, [2]));
  const whole = resultOf(t, await postEpisode(app, { ...EPISODE, prefixes: { last: 1 } }, files.slice(0, 3)));
  t.equal(grown.prefixes[0]?.log_prob_true, whole.prefixes[0]?.log_prob_true);
  isProblem(t, await post(1, [1]), 'unlisted-frame', { pointer: '/frames/0', frame: 0 });
});

t.test('invalid digests, an empty list and too many digests are refused', async (t) => {
  const app = await buildTestApp(t, { MAX_FRAMES: 3 });
  const post = (frame_digests: unknown, more = {}) =>
    postParts(app, [episodePart({ ...EPISODE, frame_digests, ...more }), ...frames(0)]);
  isProblem(t, await post([(digests[0] as string).toUpperCase()]), 'invalid-request', { pointer: '/frame_digests/0' });
  isProblem(t, await post([]), 'invalid-request', { pointer: '/frame_digests' });
  isProblem(t, await post(digests.slice(0, 4)), 'too-many-frames', { pointer: '/frame_digests', limit: 3 });
  const wrong = { fps: undefined, timestamps_s: [0, 1, 2] };
  isProblem(t, await post(digests.slice(0, 2), wrong), 'invalid-timestamps', { pointer: '/timestamps_s' });
});
