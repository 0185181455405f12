import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import t, { type Test } from 'tap';
import { loadConfig } from '../../../src/config/config.ts';
import { readCheckpoint } from '../../../src/engines/embedded/checkpoint.ts';
import { createEmbeddedEngine } from '../../../src/engines/embedded/embedded.ts';
import { TOPREWARD } from '../../../src/methods/topreward/method.ts';
import { MODEL_DIR } from './support.ts';

const caller = { tenant: '', signal: new AbortController().signal };

interface AddedToken {
  id: number;
  content: string;
  special: boolean;
}

/** Makes a copy of the model whose tokenizer has more added tokens. */
async function modelWith(t: Test, tokens: Omit<AddedToken, 'id'>[]): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'model-'));
  t.teardown(() => rm(folder, { recursive: true }));
  await cp(MODEL_DIR, folder, { recursive: true });
  const file = join(folder, 'tokenizer.json');
  const tokenizer = JSON.parse(await readFile(file, 'utf8')) as { added_tokens: AddedToken[] };
  const [first] = tokenizer.added_tokens;
  for (const [i, token] of tokens.entries())
    tokenizer.added_tokens.push({ ...(first as AddedToken), ...token, id: 5000 + i });
  await writeFile(file, JSON.stringify(tokenizer));
  return folder;
}

t.test('added tokens of the tokenizer are control tokens, except plain words', async (t) => {
  const MODEL_DIR = await modelWith(t, [
    { content: '<action_7>', special: false },
    { content: '[ROBOT]', special: true },
    { content: 'gripper', special: false },
  ]);
  const engine = await createEmbeddedEngine(loadConfig({ MODEL_DIR }), pino({ level: 'silent' }), TOPREWARD);
  t.teardown(() => engine.close());
  for (const token of ['<action_7>', '[ROBOT]', '<|im_end|>'])
    t.equal(await engine.controlTokenIn(`Open${token}it.`, caller), token);
  for (const text of ['Close the gripper.', '<action_8>', 'ROBOT', 'a < b > c'])
    t.equal(await engine.controlTokenIn(text, caller), undefined, text);
  const { encode } = await readCheckpoint(MODEL_DIR);
  t.strictSame(encode('<action_7>[ROBOT]'), [5000, 5001], 'the tokenizer reads them as added tokens');
});

t.test('a checkpoint without a list of added tokens is refused', async (t) => {
  const folder = await modelWith(t, []);
  await writeFile(join(folder, 'tokenizer.json'), '{"model":{}}');
  await t.rejects(readCheckpoint(folder), /tokenizer\.json has no readable added_tokens/);
});

t.test('a checkpoint whose tokenizer_config.json is not an object is refused', async (t) => {
  const folder = await modelWith(t, []);
  await rm(join(folder, 'tokenizer_config.json'));
  await writeFile(join(folder, 'tokenizer_config.json'), '"odd"');
  await t.rejects(readCheckpoint(folder), /tokenizer_config\.json is not an object/);
});
