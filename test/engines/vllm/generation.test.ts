import sharp from 'sharp';
import t, { type Test } from 'tap';
import type { Engine, EngineUsage, Generated, GenerationRequest } from '../../../src/engine/engine.ts';
import type { Frames } from '../../../src/frames/frames.ts';
import type { GenerationPlan, PromptPart } from '../../../src/plan/generation.ts';
import { type Behaviour, refuse, type TextAnswer } from '../../support/fake-vllm.ts';
import { BROKEN_ANSWERS, ENGINE_WORDS, ODD_ANSWERS, type OddAnswer } from '../../support/odd-answers.ts';
import { readiness } from '../../support/readiness.ts';
import { uploadedFrames } from '../../support/uploaded.ts';
import { frame, startService } from './support.ts';

const SIZE = { width: 256, height: 256 };
/** The first frame is there twice, as in GVL's prompt. */
const PARTS: PromptPart[] = [
  { text: 'Initial robot scene:' },
  { frame: 1 },
  { text: 'Frame 1:' },
  { frame: 2 },
  { text: '' },
  { text: 'Frame 2:' },
  { frame: 1 },
  { text: '' },
];

const planOf = (change: Partial<GenerationPlan> = {}): GenerationPlan => ({
  parts: PARTS,
  frameGroups: [{ size: SIZE, resampling: 'pillow-bicubic', frames: [1, 2] }],
  maxTokens: 100,
  schema: undefined,
  ...change,
});

const noUsage = (): EngineUsage => ({ requests: 0, resends: 0, bytes: 0, queuedMs: 0, decodingMs: 0, engineMs: 0 });

/** Starts the service with a fake vLLM, and makes a function that generates. */
async function start(t: Test, behaviour: Partial<Behaviour> = {}, frames?: Frames) {
  const { fake, app, engine } = await startService(t, behaviour);
  await readiness(app, 200);
  const uploaded = frames ?? (await uploadedFrames(t, await Promise.all([0, 1, 2].map((number) => frame(number)))));
  const usage = noUsage();
  const generate = (change: Partial<GenerationPlan> = {}, more: Partial<GenerationRequest> = {}) =>
    generated(engine, { plan: planOf(change), frames: uploaded, usage, ...more });
  return { fake, app, engine, usage, generate };
}

function generated(engine: Engine, asked: Pick<GenerationRequest, 'plan' | 'frames' | 'usage'>): Promise<Generated> {
  const { signal } = new AbortController();
  return engine.generate({
    served: engine.describe(),
    tenant: 'alice',
    pointer: '/episode/instruction',
    episodePointer: '/episode',
    signal,
    ...asked,
  });
}

t.test('one request has the texts and the images in order, and the text comes back', async (t) => {
  const { fake, usage, generate } = await start(t);
  const { promptTokenIds, ...answer } = await generate();
  t.strictSame(answer, {
    text: fake.behaviour.text,
    finish: 'stop',
    promptTokens: promptTokenIds.length,
    generatedTokens: fake.behaviour.text.length,
    cachedTokens: 0,
  });
  const [asked, ...more] = fake.asked;
  t.strictSame(more, []);
  t.strictSame(asked?.turn, ['Initial robot scene:', 0, 'Frame 1:', 1, '', 'Frame 2:', 2, '']);
  t.strictSame(asked?.written, { maxTokens: 100, format: undefined, temperature: 0, generationPrompt: true });
  t.equal(asked?.openTurn, false);
  const files = asked?.images.map(({ data }) =>
    Buffer.from(data?.replace('data:image/png;base64,', '') ?? '', 'base64'),
  );
  for (const [i, number] of [1, 2, 1].entries()) {
    const file = files?.[i] ?? Buffer.alloc(0);
    t.match(await sharp(file).metadata(), { format: 'png', ...SIZE });
    const whole = await sharp(await frame(number))
      .resize(SIZE)
      .removeAlpha()
      .raw()
      .toBuffer();
    t.strictSame(await sharp(file).removeAlpha().raw().toBuffer(), whole, 'frames of one colour keep it');
  }
  t.match(usage, { requests: 1, resends: 0, bytes: asked?.bytes });
  t.ok(usage.engineMs > 0 && usage.decodingMs > 0);
  t.equal((await generate()).cachedTokens, promptTokenIds.length - 1);
});

t.test('names of images and the cache salt depend on the tenant and the pixels', async (t) => {
  const { fake, generate } = await start(t);
  for (const tenant of ['alice', 'bob', 'alice']) await generate({}, { tenant });
  await generate({
    frameGroups: [{ size: { width: 128, height: 128 }, resampling: 'pillow-bicubic', frames: [1, 2] }],
  });
  const [alice, bob, again, small] = fake.asked.map(({ images, salt }) => [salt, ...images.map(({ uuid }) => uuid)]);
  t.strictSame(alice, again);
  const [salt, first, second, third] = alice ?? [];
  t.equal(first, third, 'one frame has one name');
  t.equal(new Set([salt, first, second, ...(bob?.slice(0, 3) ?? []), ...(small?.slice(1, 3) ?? [])]).size, 8);
  t.equal(small?.[0], salt);
});

t.test('a schema is sent as the format of the text, and a text can be cut off', async (t) => {
  const { fake, generate } = await start(t, { text: '{"1":40}' });
  const schema = { type: 'object', properties: { 1: { type: 'integer' } }, required: ['1'] };
  t.match(await generate({ schema, maxTokens: 3 }), { text: '{"1', finish: 'length', generatedTokens: 3 });
  t.match(fake.asked[0]?.written?.format, { type: 'json_schema', json_schema: { schema, strict: true } });
});

t.test('a text has as many tokens as the context has room for', async (t) => {
  // Large images: the context must have room for the probe.
  const frameGroups: GenerationPlan['frameGroups'] = [
    { size: { width: 1024, height: 1024 }, resampling: 'pillow-bicubic', frames: [1, 2] },
  ];
  const perImage = 32 * 32 + 2;
  const { promptTokens } = await (await start(t)).generate({ frameGroups });
  t.ok(promptTokens > 3 * perImage);
  for (const room of [150, 100, 99, 1]) {
    const { generate, fake } = await start(t, { contextTokens: promptTokens + room });
    await generate({ frameGroups });
    t.equal(fake.asked[0]?.written?.maxTokens, Math.min(100, room), `room for ${room}`);
  }
  const full = await start(t, { contextTokens: promptTokens });
  await t.rejects(full.generate({ frameGroups }), { code: 'context-exceeded', place: { limit: 2 } });
  t.strictSame(full.fake.asked, [], 'nothing is sent');
  t.equal(full.usage.decodingMs, 0, 'no frame is decoded');
  const limit = promptTokens - 2 * perImage;
  const tight = await start(t, { contextTokens: limit });
  const place = { pointer: '/episode/instruction', limit };
  await t.rejects(tight.generate({ frameGroups }), { code: 'instruction-too-long', place });
});

t.test('the probe finds how many images a prompt may have', async (t) => {
  for (const [imageLimit, generation] of [
    [128, { maxImages: 128 }],
    [5000, { maxImages: null }],
    [0, { unavailable: /^vLLM was started without images\. .*--limit-mm-per-prompt/ }],
  ] as const) {
    const { engine } = await start(t, { imageLimit });
    t.match(engine.describe().generation, generation);
  }
});

t.test('an engine without images is ready, and refuses only to generate', async (t) => {
  const { fake, generate } = await start(t, { imageLimit: 0 });
  await t.rejects(generate(), { code: 'method-unsupported', place: { pointer: '/episode/method' } });
  t.strictSame(fake.asked, []);
});

t.test('a prompt with too many images is refused', async (t) => {
  const { fake, generate } = await start(t, { imageLimit: 2 });
  await t.rejects(generate(), { code: 'context-exceeded', message: /3 images; about 2 fit/, place: { limit: 2 } });
  t.strictSame(fake.asked, []);
  // The engine was started again with a lower limit, and the service has not noticed yet.
  fake.behaviour.imageLimit = 1;
  const parts = PARTS.slice(0, 4);
  await t.rejects(generate({ parts }), { code: 'context-exceeded', place: { limit: 1 } });
  fake.behaviour.imageLimit = 0;
  await t.rejects(generate({ parts }), { code: 'engine-answer-unusable' }, 'without images, no number of frames fits');
});

t.test('a plan for an engine that was probed again since is refused', async (t) => {
  const { fake, engine, generate } = await start(t);
  const served = { ...engine.describe() };
  await t.rejects(generate({}, { served }), { code: 'engine-unavailable', message: /probed again/ });
  t.strictSame(fake.asked, []);
});

t.test('an engine that counts more tokens than the service refuses the prompt', async (t) => {
  const { fake, generate } = await start(t);
  fake.behaviour.fault = (_, response) =>
    refuse(response, 400, "Input length (40000) exceeds model's maximum context length (32768).");
  await t.rejects(generate(), { code: 'context-exceeded', place: { limit: 1 } });
});

t.test('the service retries while the engine is busy for a short time', async (t) => {
  const { fake, usage, generate } = await start(t);
  fake.behaviour.fault = (_, response, count) => (count <= 2 ? refuse(response, 503, 'queue full') : undefined);
  t.equal((await generate()).text, fake.behaviour.text);
  t.match(usage, { requests: 3, resends: 0 });
  fake.behaviour.fault = (_, response) => refuse(response, 503, 'queue full');
  await t.rejects(generate(), { code: 'engine-busy' });
});

t.test('after a status 500 or a broken connection the request is sent again, with its data', async (t) => {
  const { fake, usage, generate, app } = await start(t);
  const broken: Record<string, OddAnswer> = {
    ...BROKEN_ANSWERS,
    'status 500': (response) => refuse(response, 500, ENGINE_WORDS),
  };
  for (const [name, fault] of Object.entries(broken)) {
    fake.asked.length = 0;
    Object.assign(usage, noUsage());
    fake.behaviour.fault = (_, response, count) => (count === 1 ? (fault(response, {}) ?? true) : undefined);
    t.equal((await generate()).text, fake.behaviour.text, name);
    t.match(usage, { requests: 2, resends: 1 }, name);
    t.ok(
      fake.asked.every(({ images }) => images.every(({ data }) => data !== null)),
      `${name}: both have all data`,
    );
    fake.behaviour.fault = (_, response) => fault(response, {}) ?? true;
    const [code, most] = name === 'status 500' ? ['engine-failed', 2] : ['engine-unavailable', 4];
    fake.asked.length = 0;
    await t.rejects(generate(), { code }, `${name}, every time`);
    t.equal(fake.asked.length, most, `${name}: tried ${most} times`);
    await readiness(app, 200);
  }
});

t.test('the tokenizer is asked once more after a broken connection', async (t) => {
  const { fake, generate } = await start(t);
  let broken = 0;
  fake.behaviour.instead = (path, response) => {
    if (path !== '/tokenize' || broken > 0) return undefined;
    broken += 1;
    return response.socket?.destroy();
  };
  t.equal((await generate()).text, fake.behaviour.text);
  t.equal(broken, 1);
});

t.test('when the request is aborted, by the deadline or the client, the request to the engine ends', async (t) => {
  const { fake, engine, generate } = await start(t);
  const leave = new AbortController();
  const asked = new Promise<void>((resolve) => {
    fake.behaviour.fault = () => {
      resolve();
      return true;
    };
  });
  const pending = generate({}, { signal: leave.signal });
  pending.catch(() => {});
  await asked;
  leave.abort(new Error('gone'));
  await t.rejects(pending, { message: 'gone' });
  await fake.asked[0]?.gone;
  t.equal(fake.asked.length, 1, 'it is not sent again');
  t.equal(engine.queues['engine']?.state().active, 0, 'its place is free');
});

t.test('a response of another engine is not used', async (t) => {
  const { fake, app, generate } = await start(t);
  fake.behaviour.fingerprint = 'fake-2';
  await t.rejects(generate(), { code: 'engine-unavailable' });
  await readiness(app, 200);
  t.equal((await generate()).text, fake.behaviour.text);
});

/** Makes the fake send a response that is changed in a way that its type does not allow. */
const changed =
  // biome-ignore lint/suspicious/noExplicitAny: the test sends what the types do not allow
    (change: (answer: any) => unknown): OddAnswer =>
    (response, document) => {
      const answer = structuredClone(document);
      change(answer);
      return response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
    };

const ODD_TEXTS: Record<string, OddAnswer> = {
  'no text': changed((answer) => delete answer.choices[0].message.content),
  'a text of null': changed((answer) => {
    answer.choices[0].message.content = null;
  }),
  'a text that is too long': changed((answer) => {
    answer.choices[0].message.content = 'x'.repeat(256 * 1024 + 1);
  }),
  'no choice': changed((answer) => answer.choices.splice(0)),
  'two choices': changed((answer) => answer.choices.push(answer.choices[0])),
  'an unknown end': changed((answer) => {
    answer.choices[0].finish_reason = 'abort';
  }),
  'no end': changed((answer) => delete answer.choices[0].finish_reason),
  'no token ids': changed((answer) => delete answer.prompt_token_ids),
  'a negative token id': changed((answer) => {
    answer.prompt_token_ids[0] = -1;
  }),
  'another number of prompt tokens': changed((answer) => {
    answer.usage.prompt_tokens += 1;
  }),
  'more cached than prompt tokens': changed((answer) => {
    answer.usage.prompt_tokens_details = { cached_tokens: 1e6 };
  }),
  'no number of generated tokens': changed((answer) => delete answer.usage.completion_tokens),
};

t.test('an invalid response is refused, and is not asked for again', async (t) => {
  const { fake, generate } = await start(t);
  for (const [name, odd] of Object.entries({ ...ODD_ANSWERS, ...ODD_TEXTS })) {
    fake.asked.length = 0;
    fake.behaviour.send = odd;
    const problem = await generate().catch((error: Error & { code: string }) => error);
    t.match(problem, { code: 'engine-answer-unusable' }, name);
    t.notMatch('message' in problem ? problem.message : '', ENGINE_WORDS, name);
    t.equal(fake.asked.length, 1, name);
  }
  fake.behaviour.send = undefined;
  t.equal((await generate()).text, fake.behaviour.text);
});

t.test('a prompt that the engine renders in another way is refused', async (t) => {
  const { fake, generate } = await start(t);
  const markup = (answer: TextAnswer) => {
    const pad = answer.prompt_token_ids.find((id, i, ids) => id === ids[i - 1]) ?? 0;
    return answer.prompt_token_ids.indexOf(pad) - 1;
  };
  const changes: Record<string, (answer: TextAnswer) => unknown> = {
    'an image without its start': (answer) => answer.prompt_token_ids.splice(markup(answer), 1),
    'an image with another start': (answer) => answer.prompt_token_ids.splice(markup(answer), 1, 7),
    'a system turn': (answer) => answer.prompt_token_ids.unshift(7, 8, 9),
  };
  for (const [name, change] of Object.entries(changes)) {
    fake.behaviour.rewriteText = (answer) => {
      change(answer);
      answer.usage.prompt_tokens = answer.prompt_token_ids.length;
    };
    await t.rejects(generate(), { code: 'engine-answer-unusable' }, name);
  }
  // The cause is for the log.
  const { cause } = (await generate().catch((error: Error) => error)) as Error;
  t.match(cause, { message: /--chat-template/ });
});

t.test('a generation waits for its turn like a query, and rendered frames are freed', async (t) => {
  const uploaded = await uploadedFrames(t, await Promise.all([0, 1, 2].map((number) => frame(number))));
  const rendered: Uint8Array[] = [];
  const watched: Frames = {
    ...uploaded,
    async render(...asked) {
      const { each, ...rest } = await uploaded.render(...asked);
      async function* watch() {
        for await (const [index, coming] of each()) {
          if (coming.bytes) rendered.push(coming.bytes);
          yield [index, coming] satisfies [number, typeof coming];
        }
      }
      return { ...rest, each: watch };
    },
  };
  const { fake, engine, generate } = await start(t, {}, watched);
  let active = 0;
  fake.behaviour.fault = () => {
    active = engine.queues['engine']?.state().active ?? 0;
  };
  await generate();
  t.equal(active, 1);
  t.equal(engine.queues['engine']?.state().active, 0);
  t.strictSame(
    rendered.map(({ length }) => length),
    [0, 0],
  );
});

t.test('frames that a growing episode only names are taken from the engine, or requested', async (t) => {
  const uploaded = await uploadedFrames(t, await Promise.all([0, 1, 2].map((number) => frame(number))));
  const named: Frames = {
    ...uploaded,
    async render(...asked) {
      const { each, ...rest } = await uploaded.render(...asked);
      async function* names() {
        for await (const [index, { digest, bytes }] of each())
          yield [index, { digest, bytes: index === 1 ? null : bytes }] as [
            number,
            { digest: string; bytes: Uint8Array | null },
          ];
      }
      return { ...rest, each: names };
    },
  };
  const { fake, generate, usage } = await start(t);
  await generate({}, { frames: uploaded });
  const { text, promptTokens } = await generate({}, { frames: named });
  t.equal(text, fake.behaviour.text);
  t.ok(promptTokens > 3 * 66);
  t.strictSame(
    fake.asked[1]?.images.map(({ data }) => data === null),
    [true, false, true],
  );
  fake.forget();
  Object.assign(usage, noUsage());
  await t.rejects(generate({}, { frames: named }), { code: 'frames-missing', place: { missing: [/^[0-9a-f]{64}$/] } });
  t.equal(usage.resends, 1);
});
