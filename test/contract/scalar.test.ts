import { readFile } from 'node:fs/promises';
import { gunzipSync } from 'node:zlib';
import t from 'tap';
import { packagedScalar } from './scalar.ts';

const file = (name: string) => readFile(new URL(`../../reference/${name}`, import.meta.url));

t.test('reference/scalar.js.gz is the script of the pinned package: npm run build:reference', async (t) => {
  const { script, licence } = await packagedScalar();
  t.ok(gunzipSync(await file('scalar.js.gz')).equals(Buffer.from(script)));
  t.equal(String(await file('scalar.LICENSE')), licence);
});
