// Scores a recorded episode with the types that openapi-typescript generates: usage.ts ADDRESS EPISODE_FOLDER
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import createClient from 'openapi-fetch';
import { form } from './form.ts';
import { lines } from './lines.ts';
import type { components, paths } from './topreward.d.ts';

type Schemas = components['schemas'];

const [, , address = '', folder = ''] = process.argv;
const { instruction, fps } = JSON.parse(await readFile(`${folder}/episode.json`, 'utf8'));
const names = (await readdir(folder)).filter((name) => name.endsWith('.jpg')).sort();
const files = await Promise.all(names.map((name) => readFile(`${folder}/${name}`)));

const key = process.env['TOPREWARD_API_KEY'];
const authorization = key ? { authorization: `Bearer ${key}` } : {};
const client = createClient<paths, 'application/json' | 'application/problem+json'>({
  baseUrl: address,
  headers: authorization,
});

function show(name: string, result: Schemas['EpisodeResult'] | undefined, problem: Schemas['Problem'] | undefined) {
  if (problem) console.log(`${name}: ${problem.status} ${problem.code}: ${problem.detail}`);
  if (result) console.log(`${name}: ${described(result)}`);
}

/** `method` says which kind of result it is. */
function described(result: Schemas['EpisodeResult']): string {
  if (result.method === 'gvl') {
    const known = result.frames.filter(({ percentage }) => percentage !== null);
    return `${known.length} of ${result.frames.length} frames have a percentage`;
  }
  const curve = `${result.prefixes.length} prefixes, score ${result.score.toFixed(4)}`;
  return result.method === 'instruction_likelihood'
    ? `${curve}, ${result.provenance.instruction_tokens.length} tokens`
    : `${curve}, success ${result.success?.flag ?? null}`;
}

const { data: model } = await client.GET('/v1/model');
console.log(`model: ${model?.model}, ${model?.reference_frame.width} px, ${model?.frame_sizes[0]}`);

const episode: Schemas['Episode'] = { instruction, fps, prefixes: { count: 15 } };
const body = { episode };
const asForm = await client.POST('/v1/rewards', { body, bodySerializer: () => form(episode, files) });
show('form', asForm.data, asForm.error);

const frames = files.map((file) => file.toString('base64'));
const asJson = await client.POST('/v1/rewards', { body: { episode, frames } });
show('json', asJson.data, asJson.error);

const clockless = await client.POST('/v1/rewards', { body: { episode: { instruction }, frames } });
show('no clock', clockless.data, clockless.error);

const headers = { accept: 'application/x-ndjson' };
const asLines = await client.POST('/v1/rewards', { body: { episode, frames }, headers, parseAs: 'stream' });
let prefixes = 0;
for await (const line of lines<Schemas['RewardEvent']>(asLines.data)) {
  if (line.event === 'prefix') prefixes += 1;
  else if (line.event === 'result') show(`lines: ${prefixes} and`, line.result, undefined);
  else if (line.event === 'problem') show('lines', undefined, line.problem);
}

// The type of a result depends on the method of the request.
const likelihood: Schemas['Episode'] = { instruction, fps, method: 'instruction_likelihood' };
const likelihoods = await client.POST('/v1/rewards', {
  body: { episode: likelihood, frames },
  headers,
  parseAs: 'stream',
});
prefixes = 0;
for await (const line of lines<Schemas['RewardEvent']>(likelihoods.data)) {
  if (line.event === 'likelihood_prefix') prefixes += 1;
  else if (line.event === 'result') show(`likelihood: ${prefixes} and`, line.result, undefined);
}
const gvl: Schemas['Episode'] = { instruction, fps, method: 'gvl' };
const written = await client.POST('/v1/rewards', { body: { episode: gvl, frames } });
show('gvl', written.data, written.error);

const items = [episode, { instruction }, likelihood, gvl].map((episode) => ({ episode, frames }));
const batch = await client.POST('/v1/rewards/batch', { body: { items }, parseAs: 'stream' });
const done: (Schemas['BatchResultEvent'] | Schemas['BatchProblemEvent'])[] = [];
for await (const line of lines<Schemas['BatchEvent']>(batch.data)) {
  if (line.event !== 'end') {
    done[line.index] = line;
    continue;
  }
  for (const event of done) {
    if (event.event === 'result') show(`batch ${event.index}`, event.result, undefined);
    else show(`batch ${event.index}`, undefined, event.problem);
  }
  console.log(`batch: ${line.scored} scored, ${line.failed} failed`);
}

// A real calibration uses scores of your own episodes: see docs/how-to/calibrate.md.
const steps = [0.1, 0.2, 0.3, 0.4, 0.5];
const labelled = [
  ...steps.map((step) => ({ success: true, score: -step, log_prob_range: { min: -4, max: -step } })),
  ...steps.map((step) => ({ success: false, score: -3 - step })),
];
const { data: calibration } = await client.POST('/v1/calibrations', {
  body: { model: model?.model ?? '', episodes: labelled },
});
if (!calibration) throw new Error('no calibration');
console.log(`calibration: threshold ${calibration.threshold?.toFixed(4)}, AUC ${calibration.auc?.value.toFixed(4)}`);
const calibrated = { instruction, fps, calibration };
const withBounds = await client.POST('/v1/rewards', { body: { episode: calibrated, frames } });
show('calibrated', withBounds.data, withBounds.error);

// A step of a growing episode names all frames and sends the newest one. If the service does not have the others, it lists them.
const digests = files.map((file) => createHash('sha256').update(file).digest('hex'));
const growing = { instruction, fps: 2, frame_digests: digests };
const send = (frames: string[]) => client.POST('/v1/rewards', { body: { episode: growing, frames } });
const sending = frames.slice(-1);
let step = await send(sending);
for (let attempt = 1; attempt < 4 && step.error?.code === 'frames-missing'; attempt += 1) {
  const { status, code, missing = [] } = step.error;
  console.log(`growing: ${status} ${code}, ${missing.length} to send`);
  sending.push(...frames.filter((_, i) => missing.includes(digests[i] ?? '')));
  step = await send(sending);
}
show('growing', step.data, step.error);
