import type { ServerResponse } from 'node:http';
import t from 'tap';
import { refuse } from '../../support/fake-vllm.ts';
import { readiness } from '../../support/readiness.ts';
import { post, startService } from './support.ts';

const destroy = (response: ServerResponse) => response.socket?.destroy() ?? true;

t.test('an item that the engine no longer has is sent again', async (t) => {
  const { fake, app, address } = await startService(t);
  await readiness(app, 200);
  const before = await post(address, 8);
  fake.behaviour.fault = (_, __, count) => {
    if (count === 10) fake.forget();
  };
  fake.forget();
  const after = await post(address, 8);
  t.equal(after.status, 200);
  t.ok(after.body.usage.engine_resends > 0);
  t.same(after.body.prefixes, before.body.prefixes);
});

t.test('after a status 500 the request is sent once more, with all data', async (t) => {
  const { fake, app, address } = await startService(t);
  await readiness(app, 200);
  fake.behaviour.fault = (_, response, count) =>
    count === 1 ? refuse(response, 500, 'Internal server error') : undefined;
  const { status, body } = await post(address, 4, { prefixes: { last: 1 } });
  t.equal(status, 200);
  t.equal(body.usage.engine_requests, 2);
  t.equal(body.usage.engine_resends, 1);
});

t.test('an engine that keeps failing causes status 502', async (t) => {
  const { fake, app, address } = await startService(t);
  await readiness(app, 200);
  fake.behaviour.fault = (_, response) => refuse(response, 500, 'secret path /root/x');
  const { status, body } = await post(address, 4, { prefixes: { last: 1 } });
  t.equal(status, 502);
  t.equal(body['code'], 'engine-failed');
  t.notMatch(JSON.stringify(body), 'secret');
  t.equal(fake.asked.length, 2, 'the request is repeated only once');
});

t.test('the service retries while the engine is busy for a short time', async (t) => {
  const { fake, app, address } = await startService(t);
  await readiness(app, 200);
  fake.behaviour.fault = (_, response, count) => (count <= 2 ? refuse(response, 503, 'queue full') : undefined);
  t.equal((await post(address, 2)).status, 200);
});

t.test('an engine that stays busy causes status 503 with Retry-After', async (t) => {
  const { fake, app, address } = await startService(t);
  await readiness(app, 200);
  fake.behaviour.fault = (_, response) => refuse(response, 503, 'queue full');
  const began = performance.now();
  const { status, headers, body } = await post(address, 2);
  t.equal(status, 503);
  t.equal(body['code'], 'engine-busy');
  t.ok(headers.get('retry-after'));
  t.equal(fake.asked.length, 5, 'the query was sent five times');
  // Half of 0.2, 0.4, 0.8 and 1.6 s at least.
  t.ok(performance.now() - began > 1400, 'with pauses');
});

t.test('a query whose connection breaks is sent up to three times more', async (t) => {
  const { fake, app, address } = await startService(t);
  await readiness(app, 200);
  const episode = { prefixes: { count: 2 } };
  const { body: undisturbed } = await post(address, 4, episode);
  for (const [at, failures] of [
    [1, 1],
    [1, 3],
    [2, 1],
    [2, 3],
  ] as const) {
    fake.asked.length = 0;
    fake.forget();
    const failing = (count: number) => count >= at && count < at + failures;
    fake.behaviour.fault = (_, response, count) => (failing(count) ? destroy(response) : undefined);
    const { status, body } = await post(address, 4, episode);
    t.equal(status, 200);
    t.equal(body.usage.engine_resends, failures);
    t.same(body.prefixes, undisturbed.prefixes);
  }
});

t.test('if all shorter queries are lost, one query brings all items to the next engine', async (t) => {
  const { fake, app, address } = await startService(t);
  await readiness(app, 200);
  const episode = { prefixes: { every: 1 } };
  const { body: undisturbed } = await post(address, 12, episode);
  fake.asked.length = 0;
  // The engine is lost after the longest query. Another one, without items, responds from then on.
  fake.behaviour.fault = (_, response, count) => {
    if (count < 2 || count > 12) return undefined;
    fake.forget();
    return destroy(response);
  };
  const { status, body } = await post(address, 12, episode);
  t.equal(status, 200, JSON.stringify(body));
  t.same(body.prefixes, undisturbed.prefixes);
  t.match(body.usage, { engine_requests: 1 + 11 + 1 + 11, engine_resends: 1 });
  const complete = fake.asked.filter(({ items }) => items.length === 6 && items.every(({ data }) => data !== null));
  t.equal(complete.length, 2);
  t.ok(body.usage.engine_bytes < 3 * undisturbed.usage.engine_bytes);
});

t.test('an error page of a router is treated like a broken connection', async (t) => {
  const { fake, app, address } = await startService(t);
  await readiness(app, 200);
  const page = (response: ServerResponse) => {
    response.writeHead(500, { 'content-type': 'text/plain' }).end('Request failed: error sending request');
    return true;
  };
  fake.behaviour.fault = (_, response, count) => (count <= 3 ? page(response) : undefined);
  const { status, body } = await post(address, 4, { prefixes: { last: 1 } });
  t.match([status, body.usage.engine_resends], [200, 3]);
});

t.test('an aborted request does not wait for a pause to end', async (t) => {
  const { fake, app, address } = await startService(t, {}, { DEADLINE_S: '0.3' });
  await readiness(app, 200);
  fake.behaviour.fault = (_, response) => destroy(response);
  const { status, body } = await post(address, 2, { prefixes: { last: 1 } });
  t.match([status, body['code']], [504, 'deadline-exceeded']);
});

t.test('an engine that restarts during an episode is used again when it is ready', async (t) => {
  const { fake, app, address } = await startService(t);
  await readiness(app, 200);
  fake.behaviour.fault = (_, response, count) => (count >= 2 ? destroy(response) : undefined);
  const { status, body } = await post(address, 4);
  t.equal(status, 503);
  t.equal(body['code'], 'engine-unavailable');
  fake.behaviour.fault = undefined;
  await readiness(app, 200);
  t.equal((await post(address, 4)).status, 200);
});

t.test('a response of another engine is not used', async (t) => {
  const { fake, app, address } = await startService(t);
  await readiness(app, 200);
  fake.behaviour.fingerprint = 'fake-2';
  t.equal((await post(address, 4)).body['code'], 'engine-unavailable');
  await readiness(app, 200);
  t.equal((await post(address, 4)).status, 200);
});

t.test('engine responses without usable log probabilities are refused', async (t) => {
  const { fake, app, address } = await startService(t);
  await readiness(app, 200);
  const cases: [string, NonNullable<typeof fake.behaviour.rewrite>][] = [
    ['without True and False', ({ choices }) => choices[0]?.logprobs.content[0]?.top_logprobs.splice(1)],
    ['with only one of them', ({ choices }) => choices[0]?.logprobs.content[0]?.top_logprobs.splice(2)],
    ['without log probabilities', ({ choices }) => choices[0]?.logprobs.content.splice(0)],
    ['without choices', ({ choices }) => choices.splice(0)],
    [
      'with equal log probabilities for all tokens',
      ({ choices }) => {
        const entry = choices[0]?.logprobs.content[0];
        for (const token of [entry, ...(entry?.top_logprobs ?? [])]) if (token) token.logprob = -11.93;
      },
    ],
    [
      'with log probabilities of minus infinity',
      ({ choices }) => {
        for (const token of choices[0]?.logprobs.content[0]?.top_logprobs ?? []) token.logprob = -9999;
      },
    ],
    [
      'with a prompt of an unknown layout',
      (answer) => {
        answer.prompt_token_ids = answer.prompt_token_ids?.slice(0, 5) ?? [];
      },
    ],
    [
      'without the token ids of the prompt',
      (answer) => {
        delete answer.prompt_token_ids;
      },
    ],
  ];
  for (const [name, rewrite] of cases) {
    fake.behaviour.rewrite = rewrite;
    const { status, body } = await post(address, 4);
    t.equal(status, 502, name);
    t.equal(body['code'], 'engine-answer-unusable', name);
  }
});

t.test('the problem for an episode beyond the context limit says how many frames fit', async (t) => {
  const { app, address, fake } = await startService(t, { contextTokens: 1000 });
  await readiness(app, 200);
  const before = fake.asked.length;
  const { status, body } = await post(address, 64);
  t.equal(status, 422);
  t.equal(body['code'], 'context-exceeded');
  const fitting = body['limit'] as number;
  t.ok(fitting >= 16 && fitting <= 26, `${fitting} frames`);
  t.equal(fake.asked.length, before, 'no query was sent');
  t.equal((await post(address, 16)).status, 200);
  const native = await post(address, 64, { frame_size: 'native' });
  t.equal(native.body['code'], 'context-exceeded', 'the engine counts tokens of native frames, with the same result');
});

t.test('an episode with more blocks than the item limit of the engine is refused', async (t) => {
  const { app, address } = await startService(t, { itemLimit: 4 });
  await readiness(app, 200);
  t.match((await post(address, 10)).body, { code: 'context-exceeded', limit: 8 });
  t.equal((await post(address, 8)).status, 200);
  t.match((await app.inject('/v1/model')).json(), { limits: { blocks: 4, sampled_frames: 8 } });
});

t.test('at the deadline the request ends, and so does the request to the engine', async (t) => {
  const { fake, app, address } = await startService(t, {}, { DEADLINE_S: '1' });
  await readiness(app, 200);
  fake.behaviour.fault = () => true;
  const { status, body } = await post(address, 4);
  t.equal(status, 504);
  t.equal(body['code'], 'deadline-exceeded');
  await fake.asked[0]?.gone;
});

t.test('requests to the engine end when the client disconnects', async (t) => {
  const { fake, app, address } = await startService(t);
  await readiness(app, 200);
  const leave = new AbortController();
  const asked = new Promise<void>((resolve) => {
    fake.behaviour.fault = () => {
      resolve();
      return true;
    };
  });
  const posted = post(address, 4, {}, { signal: leave.signal });
  await asked;
  leave.abort();
  await t.rejects(posted);
  await fake.asked[0]?.gone;
  t.equal(fake.asked.length, 1, 'no further request is sent');
});

t.test('a service that stops finishes episodes in progress', async (t) => {
  const { fake, app, address } = await startService(t);
  await readiness(app, 200);
  const held = new Promise<() => void>((resolve) => {
    fake.behaviour.fault = (asked, response) => {
      fake.behaviour.fault = undefined;
      resolve(() => refuse(response, 500, `again, with ${asked.items.length}`));
      return true;
    };
  });
  const posted = post(address, 4);
  const release = await held;
  const closed = app.close();
  release();
  t.equal((await posted).status, 200);
  await closed;
});
