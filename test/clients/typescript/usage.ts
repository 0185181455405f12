// Scores a recorded episode with the types that openapi-typescript makes: usage.ts ADDRESS EPISODE_FOLDER
import { readdir, readFile } from 'node:fs/promises';
import createClient from 'openapi-fetch';
import type { components, paths } from './topreward.d.ts';

type Schemas = components['schemas'];

const [, , address = '', folder = ''] = process.argv;
const { instruction, fps } = JSON.parse(await readFile(`${folder}/episode.json`, 'utf8'));
const names = (await readdir(folder)).filter((name) => name.endsWith('.jpg')).sort();
const files = await Promise.all(names.map((name) => readFile(`${folder}/${name}`)));

const client = createClient<paths, 'application/json' | 'application/problem+json'>({ baseUrl: address });

/** The types take a file of a form for a string, so the form is made here. */
function form(episode: Schemas['Episode'], pictures: Uint8Array<ArrayBuffer>[]): FormData {
  const data = new FormData();
  data.set('episode', JSON.stringify(episode));
  for (const picture of pictures) data.append('frames', new Blob([picture]));
  return data;
}

function show(name: string, result: Schemas['RewardResult'] | undefined, problem: Schemas['Problem'] | undefined) {
  if (problem) console.log(`${name}: ${problem.status} ${problem.code}: ${problem.detail}`);
  if (!result) return;
  const { prefixes, score, success } = result;
  console.log(`${name}: ${prefixes.length} prefixes, score ${score.toFixed(4)}, success ${success?.flag ?? null}`);
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
