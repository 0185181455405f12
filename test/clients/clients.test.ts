import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { describeModel, startServer } from '../embedded/server.ts';
import { post, recorded } from '../support/recorded.ts';
import { laterVersion, script } from './support.ts';

t.setTimeout(600_000);

const EPISODE = fileURLToPath(new URL('../../examples/episodes/drawer-open-v3-success', import.meta.url));
const { address } = await startServer(t);
const later = await laterVersion(t, address);

/** What every program prints, made from the service's own answers without a client. */
async function expectedOutput(): Promise<string> {
  const { model, reference_frame, frame_sizes } = await describeModel(address);
  const { files, instruction, fps } = await recorded('drawer-open-v3-success');
  const { body } = await post(address, files, { instruction, fps, prefixes: { count: 15 } });
  const refused = (await post(address, files, { instruction })).body as unknown as { code: string; detail: string };
  const scored = `${body.prefixes.length} prefixes, score ${body.score.toFixed(4)}, success ${body.success?.flag}`;
  return `${[
    `model: ${model}, ${reference_frame.width} px, ${frame_sizes[0]}`,
    `form: ${scored}`,
    `json: ${scored}`,
    `no clock: 422 ${refused.code}: ${refused.detail}`,
  ].join('\n')}\n`;
}
const expected = await expectedOutput();

for (const language of ['python', 'typescript', 'java', 'go']) {
  t.test(language, async (t) => {
    const built = await script(`${language}/build.sh`);
    t.equal(built.code, 0, `the client is generated and compiles: ${built.out}`);
    t.equal((await script(`${language}/run.sh`, address, EPISODE)).out, expected, 'uploads, and a problem');
    t.equal((await script(`${language}/run.sh`, later, EPISODE)).out, expected, 'and all of it from a later version');
  });
}

t.test('docs/clients.md has the commands, the lines and the output that were tried here', async (t) => {
  const document = await readFile(new URL('../../docs/clients.md', import.meta.url), 'utf8');
  t.match(document, expected.trim().replaceAll(/^/gm, '    '));
  const sources = ['python/build.sh', 'python/usage.py', 'typescript/build.sh', 'typescript/usage.ts', 'java/build.sh'];
  sources.push('java/Usage.java', 'go/build.sh', 'go/usage.go');
  const texts = await Promise.all(sources.map((name) => readFile(new URL(name, import.meta.url), 'utf8')));
  const bare = (line: string) => line.trim().replace(/ >generate\.log$/, '');
  const known = new Set([...texts, expected].flatMap((text) => text.split('\n').map(bare)));
  const shown = [...document.matchAll(/^ {4}(.*)$/gm)].map(([, line = '']) => line.trim()).filter(Boolean);
  t.ok(shown.length > 20);
  for (const line of shown) t.ok(known.has(line), line);
});
