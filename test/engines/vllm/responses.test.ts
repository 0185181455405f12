import { setImmediate } from 'node:timers/promises';
import t from 'tap';
import { faultOf } from '../../../src/engines/vllm/faults.ts';
import { type Answer, type Behaviour, refuse } from '../../support/fake-vllm.ts';
import { BROKEN_ANSWERS, ENGINE_WORDS, ODD_ANSWERS, type OddAnswer } from '../../support/odd-answers.ts';
import { readiness } from '../../support/readiness.ts';
import { post, startService } from './support.ts';

/** Makes the fake send a response that is changed in a way that its type does not allow. */
const changed =
  (change: (answer: Answer) => unknown): OddAnswer =>
  (response, document) => {
    const answer = structuredClone(document) as Answer;
    change(answer);
    return response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
  };
/** Makes the fake send a response with another value of one member. @param path path of the member, with dots */
const having = (path: string, value: unknown): OddAnswer =>
  changed((answer) => {
    const names = path.split('.');
    const last = names.pop() as string;
    // biome-ignore lint/suspicious/noExplicitAny: the test sends what the types do not allow
    const parent = names.reduce((object: any, name) => object[name], answer);
    parent[last] = value;
  });
const entry = 'choices.0.logprobs.content.0';

const ODD_MEMBERS: Record<string, OddAnswer> = {
  'no usage': having('usage', undefined),
  'usage null': having('usage', null),
  'prompt tokens as text': having('usage.prompt_tokens', '70'),
  'a fractional number of prompt tokens': having('usage.prompt_tokens', 70.5),
  'negative prompt tokens': having('usage.prompt_tokens', -70),
  'zero prompt tokens': having('usage.prompt_tokens', 0),
  'an impossibly large number of prompt tokens': having('usage.prompt_tokens', 1e300),
  'negative cached tokens': having('usage.prompt_tokens_details', { cached_tokens: -1 }),
  'cached tokens as text': having('usage.prompt_tokens_details', { cached_tokens: '0' }),
  'a fractional number of cached tokens': having('usage.prompt_tokens_details', { cached_tokens: 0.5 }),
  'more cached than prompt tokens': having('usage.prompt_tokens_details', { cached_tokens: 1e6 }),
  'details as a list': having('usage.prompt_tokens_details', [0]),
  'no choices': having('choices', undefined),
  'choices as an object': having('choices', {}),
  'a choice of null': having('choices', [null]),
  'no log probabilities': having('choices.0.logprobs', null),
  'no entries': having('choices.0.logprobs.content', null),
  'no top_logprobs': having(`${entry}.top_logprobs`, undefined),
  'top_logprobs null': having(`${entry}.top_logprobs`, null),
  'thousands of top_logprobs': changed(({ choices }) => {
    const top = choices[0]?.logprobs.content[0]?.top_logprobs;
    for (let id = 0; id < 5000; id += 1) top?.push({ token: `token_id:9${id}`, logprob: -20 });
  }),
  'a log probability as text': having(`${entry}.top_logprobs.1.logprob`, '-1'),
  'a log probability of null': having(`${entry}.top_logprobs.1.logprob`, null),
  'a positive log probability': having(`${entry}.top_logprobs.1.logprob`, 0.1),
  'a token that is a number': having(`${entry}.top_logprobs.1.token`, 3007),
  'token ids as text': having('prompt_token_ids', '1 2 3'),
  'token ids that are not integers': having('prompt_token_ids.0', 1.5),
  'negative token ids': having('prompt_token_ids.0', -1),
  'a fingerprint that is a number': having('system_fingerprint', 7),
  'two log probabilities for one token': changed(({ choices }) => {
    const top = choices[0]?.logprobs.content[0]?.top_logprobs ?? [];
    const [, first] = top;
    if (first) top.push({ ...first, logprob: first.logprob - 0.5 });
  }),
  'two log probabilities for the sampled token': changed(({ choices }) => {
    const [first] = choices[0]?.logprobs.content ?? [];
    if (first) first.token = first.top_logprobs[1]?.token ?? '';
  }),
  'True and False with probabilities that sum to more than 1': changed(({ choices }) => {
    for (const token of choices[0]?.logprobs.content[0]?.top_logprobs.slice(1) ?? []) token.logprob = -0.5;
  }),
};

t.test('an invalid engine response is refused, and other episodes are not affected', async (t) => {
  const { fake, app, address } = await startService(t);
  await readiness(app, 200);
  const before = (await post(address, 4)).body.prefixes;
  for (const [name, odd] of Object.entries({ ...ODD_ANSWERS, ...ODD_MEMBERS })) {
    fake.asked.length = 0;
    fake.behaviour.send = odd;
    const { status, body } = await post(address, 4);
    t.match([status, body['code']], [502, 'engine-answer-unusable'], name);
    t.notMatch(JSON.stringify(body), ENGINE_WORDS, name);
    t.equal(fake.asked.length, 1, `${name}: the request is not repeated`);
    t.equal((await app.inject('/health/ready')).statusCode, 200, name);
  }
  fake.behaviour.send = undefined;
  t.strictSame((await post(address, 4)).body.prefixes, before);
});

t.test('an invalid engine response to a later query is refused too', async (t) => {
  const { fake, app, address } = await startService(t);
  await readiness(app, 200);
  for (const [name, odd] of Object.entries(ODD_MEMBERS)) {
    // Only the first query requests token ids.
    if (name.includes('token ids')) continue;
    fake.asked.length = 0;
    fake.behaviour.send = (response, answer) => (fake.asked.length > 1 ? odd(response, answer) : undefined);
    const { status, body } = await post(address, 4);
    t.match([status, body['code']], [502, 'engine-answer-unusable'], name);
  }
});

t.test('a response that would stop the service for a second is not read', async (t) => {
  const { fake, app, address } = await startService(t);
  await readiness(app, 200);
  for (const [ids, status] of [
    [1e6, 200],
    [2e6, 502],
  ] as const) {
    fake.asked.length = 0;
    // Only the first query requests token ids. In other responses they are ignored.
    const more = { prompt_token_ids: Array.from({ length: ids }, () => 12345) };
    fake.behaviour.rewrite = (answer) => (fake.asked.length > 1 ? Object.assign(answer, more) : undefined);
    t.equal((await post(address, 4)).status, status, `${ids} token ids`);
  }
});

t.test('after a broken connection the request is sent once more', async (t) => {
  const { fake, app, address } = await startService(t);
  await readiness(app, 200);
  for (const [name, broken] of Object.entries(BROKEN_ANSWERS)) {
    fake.asked.length = 0;
    fake.behaviour.send = (response, answer) => (fake.asked.length === 1 ? broken(response, answer) : undefined);
    const { status, body } = await post(address, 4);
    t.match([status, body.usage?.engine_resends], [200, 1], name);
    fake.behaviour.send = broken;
    t.match((await post(address, 4)).body['code'], 'engine-unavailable', `${name}, every time`);
    await readiness(app, 200);
  }
});

t.test('no response to a probe ends the service, and the reason contains no text of the engine', async (t) => {
  const refused: OddAnswer = (response) => refuse(response, 400, ENGINE_WORDS);
  const failed: OddAnswer = (response) => response.writeHead(500).end(ENGINE_WORDS);
  for (const at of ['/version', '/v1/models', '/tokenize', '/v1/chat/completions']) {
    let odd: OddAnswer = refused;
    const instead: Behaviour['instead'] = (path, response) => (path === at ? (odd(response, {}) ?? true) : undefined);
    const { fake, app } = await startService(t, { instead }, { ENGINE_FRAME_SIDE: '32' }, { unreadyCheckMs: 1 });
    for (const [name, answer] of Object.entries({ ...ODD_ANSWERS, ...BROKEN_ANSWERS, refused, failed })) {
      odd = answer;
      const before = fake.requests.get(at) ?? 0;
      // Wait for the third probe: the second one has then received only these responses.
      while ((fake.requests.get(at) ?? 0) < before + 3) await setImmediate();
      const { reason } = (await app.inject('/health/ready')).json() as { reason: string };
      t.match(reason, /^The engine (cannot|does not|returned)/, `${at}: ${name}`);
      t.notMatch(reason, /zebra|html/, `${at}: ${name}`);
    }
    fake.behaviour.instead = undefined;
    await readiness(app, 200);
  }
});

t.test('numbers in an engine error are read only if they are possible', async (t) => {
  const error = (message: string) => JSON.stringify({ error: { message } });
  const cases: [string, string, number[]][] = [
    ['At most 64 video(s) may be provided in one prompt.', 'items', [64]],
    ['At most 0 video(s) may be provided in one prompt.', 'refused', []],
    ['At most 0 image(s) may be provided in one prompt. (parameter=image)', 'images', [0]],
    ['At most 128 image(s) may be provided in one prompt. (parameter=image)', 'images', [128]],
    [`At most ${'9'.repeat(400)} video(s) may be provided in one prompt.`, 'refused', []],
    ["Input length (40000) exceeds model's maximum context length (32768).", 'context', [40000, 32768]],
    ["Input length (0) exceeds model's maximum context length (0).", 'refused', []],
    [`Input length (40000) exceeds model's maximum context length (${'9'.repeat(30)}).`, 'refused', []],
  ];
  for (const [message, kind, numbers] of cases) {
    const fault = faultOf('POST /x', 400, error(message));
    t.strictSame([fault.kind, fault.numbers], [kind, numbers], message.slice(0, 60));
    t.notMatch(fault.message, '999');
  }
});

t.test('an error of a router is not treated as an error of the engine', async (t) => {
  const own = JSON.stringify({ error: { message: 'x', type: 'InternalServerError', code: 500 } });
  const cases: [number, string, string][] = [
    [500, own, 'internal'],
    [500, 'Request failed: error sending request', 'unreachable'],
    [500, '{}', 'unreachable'],
    [502, '<html>', 'unreachable'],
    [503, own, 'busy'],
    [503, 'No available workers', 'unreachable'],
    [504, '', 'unreachable'],
    [429, '', 'busy'],
    [404, '{"detail":"Not Found"}', 'refused'],
    [401, '{"error":"Unauthorized"}', 'refused'],
  ];
  for (const [status, body, kind] of cases) t.equal(faultOf('GET /x', status, body).kind, kind, `${status} ${body}`);
  t.match(faultOf('GET /x', 401, '').message, /ENGINE_API_KEY/);
  const long = faultOf('GET /x', 400, 'a'.repeat(1e6));
  t.ok(long.words.length <= 300, 'the quoted text is at most 300 characters long');
});
