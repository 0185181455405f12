// Scores a folder of JPEG files: score.ts ADDRESS EPISODE_FOLDER
import { readdir, readFile } from 'node:fs/promises';
import createClient from 'openapi-fetch';
import { form } from './form.ts';
import type { paths } from './topreward.d.ts';

const [, , address = '', folder = ''] = process.argv;
const { instruction, fps } = JSON.parse(await readFile(`${folder}/episode.json`, 'utf8'));
const names = (await readdir(folder)).filter((name) => name.endsWith('.jpg')).sort();
const files = await Promise.all(names.map((name) => readFile(`${folder}/${name}`)));

const key = process.env['TOPREWARD_API_KEY'];
const headers = key ? { authorization: `Bearer ${key}` } : {};
// The second type excludes responses in lines from `data`.
const client = createClient<paths, 'application/json' | 'application/problem+json'>({ baseUrl: address, headers });

const episode = { instruction, fps };
const { data, error } = await client.POST('/v1/rewards', {
  body: { episode },
  bodySerializer: () => form(episode, files),
  signal: AbortSignal.timeout(130_000),
});
if (error) throw new Error(`${error.status} ${error.code}: ${error.detail}`);
if (data.method !== 'topreward') throw new Error(`The result is of the method ${data.method}.`);
console.log(`score ${data.score.toFixed(4)}`);
