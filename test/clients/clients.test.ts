import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import type { Calibration } from '../../schemas/calibration.ts';
import type { RewardResult } from '../../schemas/reward.ts';
import { describeModel, startServer } from '../embedded/server.ts';
import { needing } from '../support/needs.ts';
import { post, recorded } from '../support/recorded.ts';
import { laterVersion, script } from './support.ts';

const needs = needing('test/clients');

t.setTimeout(600_000);

const EPISODE = fileURLToPath(new URL('../../examples/episodes/drawer-open-v3-success', import.meta.url));
/** Labelled scores, the same in every program. */
const STEPS = [0.1, 0.2, 0.3, 0.4, 0.5];
const LABELLED = [
  ...STEPS.map((step) => ({ success: true, score: -step, log_prob_range: { min: -4, max: -step } })),
  ...STEPS.map((step) => ({ success: false, score: -3 - step })),
];

interface Told {
  status: number;
  code: string;
  detail: string;
  missing: string[];
}

/** The output that every program must print, made from responses of the service without a client. */
async function expectedOutput(): Promise<string> {
  const { address } = await startServer(t);
  const { model, reference_frame, frame_sizes } = await describeModel(address);
  const { files, instruction, fps } = await recorded('drawer-open-v3-success');
  const ask = async (episode: object, sent = files) => (await post(address, sent, { instruction, ...episode })).body;
  const scored = ({ prefixes, score, success }: RewardResult) =>
    `${prefixes.length} prefixes, score ${score.toFixed(4)}, success ${success?.flag}`;
  const told = (body: unknown) => body as Told;
  const whole = scored(await ask({ fps, prefixes: { count: 15 } }));
  const { code, detail } = told(await ask({}));
  const calibration = (await (
    await fetch(`${address}/v1/calibrations`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model, episodes: LABELLED }),
    })
  ).json()) as Calibration;
  const growing = { fps: 2, frame_digests: files.map((file) => createHash('sha256').update(file).digest('hex')) };
  const asked = told(await ask(growing, files.slice(-1)));
  return `${[
    `model: ${model}, ${reference_frame.width} px, ${frame_sizes[0]}`,
    `form: ${whole}`,
    `json: ${whole}`,
    `no clock: 422 ${code}: ${detail}`,
    `lines: 15 and: ${whole}`,
    `batch 0: ${whole}`,
    `batch 1: 422 ${code}: ${detail}`,
    'batch: 1 scored, 1 failed',
    `calibration: threshold ${calibration.threshold?.toFixed(4)}, AUC ${calibration.auc?.value.toFixed(4)}`,
    `calibrated: ${scored(await ask({ fps, calibration }))}`,
    `growing: 409 frames-missing, ${asked.missing.length} to send`,
    `growing: ${scored(await ask({ fps: 2, prefixes: { last: 1 } }))}`,
  ].join('\n')}\n`;
}
const expected = await expectedOutput();

for (const language of ['python', 'typescript', 'java', 'go']) {
  t.test(language, needs, async (t) => {
    const built = await script(`${language}/build.sh`);
    t.equal(built.code, 0, `the client is generated and compiled: ${built.out}`);
    const { address } = await startServer(t);
    t.equal((await script(`${language}/run.sh`, address, EPISODE)).out, expected, 'the output is as expected');
    const later = await laterVersion(t, (await startServer(t)).address);
    t.equal(
      (await script(`${language}/run.sh`, later, EPISODE)).out,
      expected,
      'the output is the same with a later version of the service',
    );
  });
}

t.test('docs/how-to/generate-a-client.md has the commands, the code and the output that are tested here', async (t) => {
  const document = await readFile(new URL('../../docs/how-to/generate-a-client.md', import.meta.url), 'utf8');
  t.match(document, `\`\`\`text\n${expected}\`\`\`\n`);
  const sources = ['python', 'typescript', 'java', 'go'].map((language) => `${language}/build.sh`);
  sources.push('python/usage.py', 'python/lines.py', 'typescript/usage.ts', 'java/Usage.java', 'go/usage.go');
  const texts = await Promise.all(sources.map((name) => readFile(new URL(name, import.meta.url), 'utf8')));
  const bare = (line: string) => line.trim().replace(/ >generate\.log$/, '');
  const known = new Set([...texts, expected].flatMap((text) => text.split('\n').map(bare)));
  const blocks = [...document.matchAll(/^```.*\n([\s\S]*?)^```$/gm)].map(([, block = '']) => block);
  const shown = blocks.flatMap((block) => block.split('\n').map((line) => line.trim())).filter(Boolean);
  t.ok(shown.length > 20);
  for (const line of shown) t.ok(known.has(line), line);
});
