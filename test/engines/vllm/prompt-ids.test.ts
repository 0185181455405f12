import t from 'tap';
import { createKnownParts, promptIds } from '../../../src/engines/vllm/prompt-ids.ts';

const BLOCK = { text: '<b>', id: 7 };

/** A tokenizer that returns given ids, and the texts that it received. */
function tokenizer(tokens: number[]) {
  const asked: string[] = [];
  const client = {
    async post(_path: string, body: { chunks(): Iterable<Uint8Array> }) {
      asked.push(JSON.parse(Buffer.concat([...body.chunks()]).toString()).prompt);
      return { tokens };
    },
  };
  return { asked, client: client as never };
}

const source = { block: BLOCK, tenant: 'a', model: 'm', signal: new AbortController().signal };

t.test('the parts between blocks are known from other prompts', async (t) => {
  const parts = createKnownParts();
  const { asked, client } = tokenizer([1, 7, 2, 7, 3]);
  const known = { ...source, parts, client };
  t.strictSame(await promptIds('x<b>y<b>z', known), [1, 7, 2, 7, 3]);
  t.strictSame(await promptIds('x<b>z', known), [1, 7, 3]);
  t.strictSame(await promptIds('x<b>y<b>y<b>z', known), [1, 7, 2, 7, 2, 7, 3]);
  t.strictSame(asked, ['x<b>y<b>z']);
  await promptIds('x<b>w', known);
  await promptIds('x<b>z', { ...known, tenant: 'b' });
  t.strictSame(asked.slice(1), ['x<b>w', 'x<b>z']);
});

t.test('if the tokenizer makes another number of blocks, nothing is remembered', async (t) => {
  const parts = createKnownParts();
  for (const tokens of [[1, 2, 3], [1, 7, 2, 7, 3, 7, 4], []]) {
    const { asked, client } = tokenizer(tokens);
    for (let i = 0; i < 2; i += 1) t.strictSame(await promptIds('x<b>y<b>z', { ...source, parts, client }), tokens);
    t.equal(asked.length, 2);
  }
});

t.test('the store forgets the oldest parts before it has too many', async (t) => {
  const parts = createKnownParts();
  const { client } = tokenizer([7]);
  for (let i = 0; i < 300; i += 1) await promptIds(`${'x'.repeat(10_000)}${i}<b>`, { ...source, parts, client });
  t.ok(parts.size < 110 && parts.size > 50, `${parts.size} parts`);
});
