import type { ServerResponse } from 'node:http';
import t from 'tap';
import { reply } from '../../support/fake-vllm.ts';
import { growingEpisode } from '../../support/growing.ts';
import { readiness } from '../../support/readiness.ts';
import { frame, post, startService } from './support.ts';

const TIMED = { MODEL_PROFILE: 'qwen3-vl-images' };
const episode = { instruction: 'Go.', fps: 2 };

t.test('/v1/model names the profile, its layout and its pipelines', async (t) => {
  const { app } = await startService(t, { imageLimit: 100 }, TIMED);
  await readiness(app, 200);
  t.match((await app.inject('/v1/model')).json(), {
    profile: { name: 'qwen3-vl-images', verified: true },
    pipelines: ['aligned'],
    methods: ['topreward', 'instruction_likelihood', 'gvl'],
    prompts: { open: { layout: 'images' }, chat: { layout: 'images' } },
    one_pass: true,
    limits: { blocks: 100, sampled_frames: 100 },
  });
});

t.test(
  'each frame is an image after its time: the longest prefix has the files, the others only name them',
  async (t) => {
    const { fake, app, address } = await startService(t, {}, TIMED);
    await readiness(app, 200);
    const { status, body } = await post(address, 5, { prefixes: { every: 1 } });
    t.equal(status, 200);
    t.strictSame([body.usage.engine_requests, body.usage.engine_resends], [5, 0]);
    const [longest, ...others] = fake.asked;
    t.strictSame(longest?.items, [], 'no videos');
    t.strictSame(longest?.turn.slice(0, 4), ['<0.0 seconds>', 0, '<0.5 seconds>', 1], 'times and images, in turn');
    t.ok(longest?.images.every(({ data }) => data?.startsWith('data:image/x-portable-pixmap;base64,')));
    t.ok(others.every(({ images }) => images.every(({ data }) => data === null)));
    t.strictSame(others.map(({ images }) => images.length).sort(), [1, 2, 3, 4]);
    t.match(body.provenance, {
      layout: 'images',
      profile: { name: 'qwen3-vl-images', verified: true },
      prompt: {
        text: /^<\|im_start\|>user\n<0\.0 seconds><\|vision_start\|><\|image_pad\|><\|vision_end\|><0\.5 seconds>/,
        video_tokens_per_block: 64,
      },
      frame_size: { encoding: 'raw', sent: { width: 244, height: 244 } },
    });
  },
);

t.test('a frame has one name, whatever its time, and another one at another size, tenant or encoding', async (t) => {
  const namesOf = async (env: Record<string, string>, options: object) => {
    const { fake, app, address } = await startService(t, {}, { ...TIMED, ...env });
    await readiness(app, 200);
    await post(address, 3, { prefixes: { last: 1 }, ...options });
    return fake.asked[0]?.images.map(({ uuid }) => uuid) ?? [];
  };
  const names = await namesOf({}, {});
  t.equal(new Set(names).size, 3);
  t.strictSame(await namesOf({}, { fps: 1 }), names, 'another time');
  for (const others of [
    await namesOf({}, { frame_size: 'native' }),
    await namesOf({ ENGINE_FRAME_ENCODING: 'png' }, {}),
    await namesOf({ ENGINE_FRAME_ENCODING: 'jpeg' }, {}),
    await namesOf({ SECRET: 'another' }, {}),
  ])
    t.notOk(others.some((name) => names.includes(name)));
});

t.test('the encoding of the configuration decides the kind of image file', async (t) => {
  for (const [encoding, type] of [
    ['png', 'image/png'],
    ['jpeg', 'image/jpeg'],
  ] as const) {
    const { fake, app, address } = await startService(t, {}, { ...TIMED, ENGINE_FRAME_ENCODING: encoding });
    await readiness(app, 200);
    const { status, body } = await post(address, 2);
    t.equal(status, 200);
    t.equal(fake.asked[0]?.images[0]?.data?.startsWith(`data:${type};base64,`), true, encoding);
    t.equal(body.provenance.frame_size.encoding, encoding);
  }
});

t.test('a step of a growing episode sends its new frame only', async (t) => {
  const { fake, app, address } = await startService(t, {}, TIMED);
  await readiness(app, 200);
  const step = growingEpisode(address, episode);
  for (let i = 0; i < 5; i += 1) {
    const { tries, sent } = await step(await frame(i));
    t.strictSame([tries, sent], [1, 1]);
    const sentItems = fake.asked.at(-1)?.images.map(({ data }) => (data ? 'data' : 'name'));
    t.strictSame(sentItems, [...Array(i).fill('name'), 'data'], `${i + 1} frames`);
  }
});

t.test('lost images are asked for in one response', async (t) => {
  const { fake, app, address } = await startService(t, {}, { ...TIMED, RECENT_FRAMES_BYTES: '0' });
  await readiness(app, 200);
  const step = growingEpisode(address, episode);
  await step(await frame(0), await frame(1), await frame(2));
  fake.forget();
  const { tries, sent } = await step(await frame(3));
  t.strictSame([tries, sent], [2, 1 + 4]);
});

t.test('a calibration belongs to one profile', async (t) => {
  const { app, address } = await startService(t, {}, TIMED);
  await readiness(app, 200);
  const made = async (profile: object) => {
    const episodes = [true, false].map((success) => ({ success, score: success ? -1 : -5 }));
    const answer = await app.inject({ method: 'POST', url: '/v1/calibrations', payload: { ...profile, episodes } });
    return answer.json() as object;
  };
  const own = await post(address, 3, { calibration: await made({ profile: 'qwen3-vl-images' }) });
  t.equal(own.status, 200);
  for (const other of [{}, { profile: 'qwen3-vl' }]) {
    const { status, body } = await post(address, 3, { calibration: await made(other) });
    t.equal(status, 422);
    t.match(body, { code: 'calibration-mismatch', pointer: '/calibration/profile' });
  }
});

t.test('the published pipeline is refused by name', async (t) => {
  const { app, address } = await startService(t, {}, TIMED);
  await readiness(app, 200);
  const { status, body } = await post(address, 3, { pipeline: 'published' });
  t.equal(status, 422);
  t.match(body, { code: 'pipeline-unsupported', pointer: '/pipeline', detail: 'qwen3-vl-images' });
});

t.test('more frames than images in a prompt are refused before a frame is decoded', async (t) => {
  const { fake, app, address } = await startService(t, { imageLimit: 4 }, TIMED);
  await readiness(app, 200);
  const completions = fake.requests.get('/v1/chat/completions') ?? 0;
  const { status, body } = await post(address, 5);
  t.equal(status, 422);
  t.match(body, { code: 'context-exceeded', limit: 4 });
  t.strictSame(fake.asked, []);
  // The engine was started again with a lower limit, and the service has not noticed yet.
  fake.behaviour.imageLimit = 2;
  t.match((await post(address, 4)).body, { code: 'context-exceeded', limit: 2 });
  fake.behaviour.imageLimit = 0;
  t.match(
    (await post(address, 1)).body,
    { code: 'engine-answer-unusable' },
    'without images, no number of frames fits',
  );
  t.equal(fake.requests.get('/v1/chat/completions'), completions + 2, 'only these two were sent');
});

t.test('a prompt that is not that of the profile is refused with the place and both texts', async (t) => {
  const { app } = await startService(t, { layout: 'strange' }, TIMED);
  const detail = /from token \d+ on the model receives "!<1\.2 ", and the profile has "<1\.2 s"/;
  t.match((await readiness(app, 503)).reason, detail);
});

t.test(
  'without a profile, a model of another family is refused with the profiles that fit its tokenizer',
  async (t) => {
    const { app } = await startService(t, { layout: 'strange' });
    const detail =
      /not that of the profile qwen3-vl: .* these values of MODEL_PROFILE: qwen2\.5-vl, qwen3-vl-images, qwen3\.5\.$/;
    t.match((await readiness(app, 503)).reason, detail);
  },
);

t.test('a model whose tokenizer lacks the image token is refused with the name of the token', async (t) => {
  const { app } = await startService(t, {}, { MODEL_PROFILE: 'internvl' });
  const detail = /no token <IMG_CONTEXT>, so this is not a model of the profile internvl/;
  t.match((await readiness(app, 503)).reason, detail);
});

t.test('a prompt that changes after the probe gives no number', async (t) => {
  const { fake, app, address } = await startService(t, {}, TIMED);
  await readiness(app, 200);
  for (const change of [
    (ids: number[]) => ids.splice(3, 1),
    // One token fewer in the last frame.
    (ids: number[]) => ids.splice(ids.lastIndexOf(ids[60] as number), 1),
    (ids: number[]) => ids.push(ids.at(-1) as number),
  ]) {
    fake.behaviour.rewrite = ({ prompt_token_ids: ids }) => ids && change(ids);
    for (const frames of [2, 3]) {
      const { status, body } = await post(address, frames, { prefixes: { last: 1 } });
      t.equal(status, 502, `${frames} frames`);
      t.match(body, { code: 'engine-answer-unusable' });
    }
  }
});

t.test('an engine that was started for images is refused without a profile of images', async (t) => {
  const { app } = await startService(t, { itemLimit: 0 });
  t.match((await readiness(app, 503)).reason, /accepts no videos\. .*FRAMES=pairs.*MODEL_PROFILE/);
});

t.test('a long text of the engine is cut in the reason, which stays one line', async (t) => {
  const prompt = `${'x'.repeat(79)}😀\n${'y'.repeat(5000)}`;
  const instead = (path: string, response: ServerResponse) =>
    path === '/detokenize' ? reply(response, 200, { prompt }) : undefined;
  const { app } = await startService(t, { layout: 'strange', instead }, TIMED);
  const { reason = '' } = await readiness(app, 503);
  t.ok(reason.length < 700 && !reason.includes('\n'), reason);
  t.match(reason, /the model receives "x{79}\ufffd", and the profile has/);
});
