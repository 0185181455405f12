import type { ServerResponse } from 'node:http';
import t from 'tap';
import { reply } from '../../support/fake-vllm.ts';
import { growingEpisode } from '../../support/growing.ts';
import { readiness } from '../../support/readiness.ts';
import { frame, post, startService } from './support.ts';

const destroy = (response: ServerResponse) => response.socket?.destroy() ?? true;

t.test(
  'text that only the served tokenizer reads as a control token is refused, and the problem quotes it',
  async (t) => {
    const { fake, app, address } = await startService(t, {
      addedTokens: ['<action_7>', '</plan>', '<think>', '\\[INST\\]'],
    });
    await readiness(app, 200);
    for (const [instruction, token] of [
      ['Do <action_7> now.', '<action_7>'],
      ['1 < 2 </plan>', '</plan>'],
      ['<<think>>', '<think>'],
      ['Put ] here [INST] now', '[INST]'],
    ] as const) {
      const { status, body } = await post(address, 2, { instruction });
      t.match([status, body['code'], body['pointer']], [422, 'special-token-text', '/instruction']);
      t.match(body['detail'], `reads ${token} as`);
    }
    t.equal(fake.asked.length, 0, 'the engine receives no query');
    for (const instruction of ['Put <it> there.', 'a < b > c', '<action_8>', '<>', 'at [3, 4]', '][', '> <'])
      t.equal((await post(address, 2, { instruction })).status, 200, instruction);
  },
);

t.test(
  'a plain instruction is not checked, and an unusual one needs one request for all steps of an episode',
  async (t) => {
    const { fake, app, address } = await startService(t);
    await readiness(app, 200);
    const files = await Promise.all([0, 1, 2].map((number) => frame(number)));
    const costOf = async (instruction: string) => {
      const before = fake.requests.get('/tokenize') as number;
      const step = growingEpisode(address, { instruction, fps: 2 });
      for (const file of files) t.equal((await step(file)).body.prefixes.length, 1);
      return (fake.requests.get('/tokenize') as number) - before;
    };
    await costOf('Close it.');
    t.equal(await costOf('Open it.'), 1, 'its prompt, in the first step');
    t.equal(await costOf('Open the <left> one.'), 2, 'the check, and its prompt');
    t.equal(await costOf('Open the <left> one.'), 0, 'both are known');
  },
);

t.test('if the tokenizer does not respond, the request fails with a problem of the engine', async (t) => {
  const { fake, app, address } = await startService(t);
  await readiness(app, 200);
  let breaks = 1;
  const instruction = 'Open the <left> one.';
  fake.behaviour.instead = (path, response) => {
    if (path !== '/tokenize' || breaks === 0) return undefined;
    breaks -= 1;
    return destroy(response);
  };
  breaks = 4;
  t.match((await post(address, 2, { instruction })).body, { code: 'engine-unavailable' });
  breaks = 3;
  t.equal((await post(address, 2, { instruction })).status, 200, 'three broken connections are retried');
  fake.behaviour.instead = (path, response) =>
    path === '/tokenize' ? reply(response, 200, { tokens: [1] }) : undefined;
  t.match((await post(address, 2, { instruction: `${instruction}.` })).body, { code: 'engine-answer-unusable' });
});

t.test('an engine whose tokenizer returns no token texts is not ready', async (t) => {
  const { app } = await startService(t, {
    instead: (path, response) => (path === '/tokenize' ? reply(response, 200, { tokens: [1] }) : undefined),
  });
  t.match((await readiness(app, 503)).reason, /lacks the token texts/);
});
