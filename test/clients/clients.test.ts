import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import t, { type Test } from 'tap';
import type { Calibration } from '../../schemas/calibration.ts';
import type { EpisodeResult } from '../../schemas/result.ts';
import { startGvl, writtenText } from '../support/gvl.ts';
import { needing } from '../support/needs.ts';
import { post, recorded } from '../support/recorded.ts';
import { describeModel, startServer } from '../support/server.ts';
import { laterVersion, script } from './support.ts';

const needs = needing('test/clients');
const KEY = '0123456789abcdef';

t.setTimeout(600_000);

const EPISODE = fileURLToPath(new URL('../../examples/episodes/drawer-open-v3-success', import.meta.url));
/** Labelled scores, the same in every program. */
const STEPS = [0.1, 0.2, 0.3, 0.4, 0.5];
const LABELLED = [
  ...STEPS.map((step) => ({ success: true, score: -step, log_prob_range: { min: -4, max: -step } })),
  ...STEPS.map((step) => ({ success: false, score: -3 - step })),
];

interface Told {
  code: string;
  detail: string;
  missing: string[];
}

/** A response as the programs show it. */
function shown({ status, body }: { status: number; body: unknown }): string {
  if (status === 200) return shownResult(body as EpisodeResult);
  const { code, detail } = body as Told;
  return `${status} ${code}: ${detail}`;
}

function shownResult(result: EpisodeResult): string {
  if (result.method === 'gvl') {
    const known = result.frames.filter(({ percentage }) => percentage !== null);
    return `${known.length} of ${result.frames.length} frames have a percentage`;
  }
  const curve = `${result.prefixes.length} prefixes, score ${result.score.toFixed(4)}`;
  if (result.method === 'topreward') return `${curve}, success ${result.success?.flag}`;
  return `${curve}, ${result.provenance.instruction_tokens.length} tokens`;
}

/**
 * The output that every program `usage` must print, made from responses of a service without a client.
 * @param address of a service that has just started
 * @returns it, and the score of the episode
 */
async function expectedOutput(address: string): Promise<{ expected: string; score: string }> {
  const { model, reference_frame, frame_sizes } = await describeModel(address);
  const { files, instruction, fps } = await recorded('drawer-open-v3-success');
  const ask = async (episode: object, sent = files) => post(address, sent, { instruction, ...episode });
  const result = await ask({ fps, prefixes: { count: 15 } });
  const whole = shown(result);
  const clockless = shown(await ask({}));
  const likelihood = shown(await ask({ fps, method: 'instruction_likelihood' }));
  const gvl = await ask({ fps, method: 'gvl' });
  const calibration = (await (
    await fetch(`${address}/v1/calibrations`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model, episodes: LABELLED }),
    })
  ).json()) as Calibration;
  const growing = { fps: 2, frame_digests: files.map((file) => createHash('sha256').update(file).digest('hex')) };
  const { missing } = (await ask(growing, files.slice(-1))).body as unknown as Told;
  const lines = [
    `model: ${model}, ${reference_frame.width} px, ${frame_sizes[0]}`,
    `form: ${whole}`,
    `json: ${whole}`,
    `no clock: ${clockless}`,
    `lines: 15 and: ${whole}`,
    `likelihood: 15 and: ${likelihood}`,
    `gvl: ${shown(gvl)}`,
    `batch 0: ${whole}`,
    `batch 1: ${clockless}`,
    `batch 2: ${likelihood}`,
    `batch 3: ${shown(gvl)}`,
    gvl.status === 200 ? 'batch: 3 scored, 1 failed' : 'batch: 2 scored, 2 failed',
    `calibration: threshold ${calibration.threshold?.toFixed(4)}, AUC ${calibration.auc?.value.toFixed(4)}`,
    `calibrated: ${shown(await ask({ fps, calibration }))}`,
    `growing: 409 frames-missing, ${missing.length} to send`,
    `growing: ${shown(await ask({ fps: 2, prefixes: { last: 1 } }))}`,
  ];
  return { expected: `${lines.join('\n')}\n`, score: `score ${result.body.score.toFixed(4)}\n` };
}

/** Starts a service whose model writes a text about 14 of 15 frames. */
const startWriting = (t: Test) =>
  startGvl(t, { text: writtenText(Array.from({ length: 14 }, (_, i) => 7 * i)) }, { SUCCESS_THRESHOLD: '-5' });

const { expected, score } = await expectedOutput((await startServer(t)).address);
const written = await expectedOutput((await startWriting(t)).address);

for (const language of ['python', 'typescript', 'java', 'go']) {
  t.test(language, needs, async (t) => {
    const built = await script(`${language}/build.sh`);
    t.equal(built.code, 0, `the client is generated and compiled: ${built.out}`);
    const { address } = await startServer(t, { API_KEYS: `lab=${KEY}` });
    const run = (program: string, address: string, key = '') =>
      script(`${language}/run.sh`, [program, address, EPISODE], { TOPREWARD_API_KEY: key });
    t.equal((await run('usage', address, KEY)).out, expected, 'the output is as expected');
    const again = await run('usage', address, KEY);
    t.match(again, { code: 0, out: /^growing: 1 prefixes/m }, 'it can run again');
    t.strictSame(await run('score', address, KEY), { code: 0, out: score });
    t.match(await run('score', address), { code: 1, out: /401 unauthorized: / }, 'without a key');
    const later = await laterVersion(t, (await startServer(t)).address);
    t.equal((await run('usage', later)).out, expected, 'the output is the same with a later version of the service');
    const writing = await startWriting(t);
    t.equal((await run('usage', writing.address)).out, written.expected, 'a model that writes texts');
    t.match(written.expected, /^gvl: 14 of 15 frames have a percentage$/m);
  });
}

t.test('docs/how-to/generate-a-client.md has the commands, the code and the output that are tested here', async (t) => {
  const read = (path: string) => readFile(new URL(path, import.meta.url), 'utf8');
  const document = await read('../../docs/how-to/generate-a-client.md');
  t.match(document, `\`\`\`text\n${expected}\`\`\`\n`);
  const sources = ['python', 'typescript', 'java', 'go'].map((language) => `${language}/build.sh`);
  sources.push('python/usage.py', 'typescript/usage.ts', 'java/Usage.java', 'go/usage.go');
  const complete = ['python/score.py', 'typescript/score.ts', 'java/Score.java', 'go/score/main.go'];
  const texts = await Promise.all([...sources, ...complete].map(read));
  for (const [n, name] of complete.entries()) t.match(document, `\n${texts[sources.length + n]}\`\`\`\n`, name);

  const bare = (text: string) => `\n${text.replaceAll(/^ +|^\t+| >generate\.log$/gm, '')}\n`;
  const known = texts.map(bare);
  const versions = `${await read('requirements.txt')}${JSON.stringify(JSON.parse(await read('../../package.json')).devDependencies)}`;
  const blocks = [...document.matchAll(/^```(?:sh|python|ts|java|go) .*\n([\s\S]*?)^```$/gm)].map(
    ([, block = '']) => block,
  );
  t.ok(blocks.length > 12);
  for (const block of blocks) {
    const installs = /^(?:pip|npm) install .*[=@].*\n/gm;
    for (const [line] of block.matchAll(installs))
      for (const [, name, version] of line.matchAll(/ ([a-z-]+)(?:==|@)([\d.]+)/g))
        t.ok(
          versions.includes(`${name}==${version}\n`) || versions.includes(`"${name}":"${version}"`),
          `${name} ${version}`,
        );
    // Comments with an ellipsis are between parts of the file. Each part has consecutive lines of one file.
    const parts = block
      .replaceAll(installs, '')
      .replace('pip install ./topreward-client\n', '')
      .replaceAll(/^npx /gm, '');
    for (const part of parts.split(/^\s*(?:\/\/|#) …\n/m).filter(Boolean))
      t.ok(
        known.some((text) => text.includes(bare(part.trimEnd()))),
        part,
      );
  }
});
