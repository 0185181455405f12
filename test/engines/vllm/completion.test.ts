import t, { type Test } from 'tap';
import { completionBody, readTop } from '../../../src/engines/vllm/completion.ts';
import { EngineFault } from '../../../src/engines/vllm/faults.ts';

const REQUEST = { model: 'm', text: 'answer is:', salt: 's', withTokenIds: false, read: { ids: [7] } } as const;

function sent(t: Test, request: Parameters<typeof completionBody>[0]): Record<string, unknown> {
  const { bytes, chunks } = completionBody(request, [], () => true);
  const body = Buffer.concat([...chunks()]);
  t.equal(body.length, bytes, 'the announced length is that of the body');
  return JSON.parse(body.toString());
}

// An answer that follows the prompt must not end a turn, or begin a further one: the model would read other tokens.
for (const [prompt, after, flags, messages] of [
  ['open', '', [false, true], [['user', 'answer is:']]],
  ['open', ' Yes', [false, true], [['user', 'answer is: Yes']]],
  ['chat', '', [true, false], [['user', 'answer is:']]],
  [
    'chat',
    'Yes',
    [false, true],
    [
      ['user', 'answer is:'],
      ['assistant', 'Yes'],
    ],
  ],
] as const)
  t.test(`${prompt}, after ${JSON.stringify(after)}: the turns of the prompt`, async (t) => {
    const body = sent(t, { ...REQUEST, prompt, answerStart: after });
    t.strictSame([body['add_generation_prompt'], body['continue_final_message']], flags);
    const textOf = (content: unknown) =>
      typeof content === 'string' ? content : (content as [{ text: string }])[0].text;
    const read = (body['messages'] as { role: string; content: unknown }[]).map((each) => [
      each.role,
      textOf(each.content),
    ]);
    t.strictSame(read, messages);
  });

t.test('a query reads tokens by their ids, or the most likely ones', async (t) => {
  const wanted = ({ logprob_token_ids, top_logprobs }: Record<string, unknown>) => [logprob_token_ids, top_logprobs];
  t.strictSame(wanted(sent(t, { ...REQUEST, prompt: 'open', answerStart: '' })), [[7], undefined]);
  t.strictSame(wanted(sent(t, { ...REQUEST, prompt: 'open', answerStart: '', read: { top: 3 } })), [undefined, 3]);
});

type Entry = [token: string, logprob: number];
const completion = (...entries: Entry[]) => {
  const [first, ...others] = entries.map(([token, logprob]) => ({ token, logprob }));
  const content = first ? [{ ...first, top_logprobs: others }] : null;
  return { choices: [{ logprobs: { content } }] } as unknown as Parameters<typeof readTop>[0];
};

t.test('the most likely tokens come in their order, each once, and no more than requested', async (t) => {
  const some: Entry[] = [
    ['token_id:5', -3],
    ['token_id:9', -0.7],
    ['token_id:2', -1],
    ['token_id:9', -0.7],
    ['token_id:5', -3],
  ];
  const all = [
    { id: 9, logProb: -0.7 },
    { id: 2, logProb: -1 },
    { id: 5, logProb: -3 },
  ];
  t.strictSame(readTop(completion(...some), 3), all);
  t.strictSame(readTop(completion(...some), 2), all.slice(0, 2));
});

const NO_ID = 'The response names a token by its text, not by its id.';

for (const [what, entries, count, reason] of [
  ['fewer tokens than requested', [['token_id:5', -1]], 2, 'The response has 1 of 2 tokens.'],
  ['no token', [], 1, 'The response has 0 of 1 tokens.'],
  [
    'two values for one token',
    [
      ['token_id:5', -1],
      ['token_id:5', -1.5],
    ],
    1,
    'The response has two different log probabilities for one token.',
  ],
  ['a token without its id', [['Yes', -1]], 1, NO_ID],
  ['an id of ten digits', [['token_id:1234567890', -1]], 1, NO_ID],
  ['a log probability above 0', [['token_id:5', 0.5]], 1, 'A log probability is positive or not a finite number.'],
] as [string, Entry[], number, string][])
  t.test(`unusable: ${what}`, async (t) => {
    t.throws(() => readTop(completion(...entries), count), new EngineFault('unusable', reason));
  });
