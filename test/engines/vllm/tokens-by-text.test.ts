import t from 'tap';
import { createTokensByText } from '../../../src/engines/vllm/tokenizer.ts';

t.test('the remembered tokens are bounded in number, however long each text is', async (t) => {
  const tokens = createTokensByText();
  const ids = (length: number) => Array.from({ length }, (_, i) => i);
  tokens.set('none', []);
  tokens.set('short', [1]);
  t.same([tokens.get('none'), tokens.get('short')], [[], [1]]);
  tokens.set('huge', ids(1_000_000));
  t.equal(tokens.get('huge'), undefined, 'a broken tokenizer cannot fill the store with one text');
  t.same(tokens.get('short'), [1], 'and takes nothing from the others');
  for (let i = 0; i < 2000; i += 1) tokens.set(`long ${i}`, ids(256));
  t.ok(tokens.size < 2000);
  t.ok([...tokens.values()].reduce((sum, { length }) => sum + length, 0) <= 262_144);
  t.ok(tokens.get('long 1999'), 'the last one is there');
});
