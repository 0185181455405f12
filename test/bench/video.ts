// Measures an episode that is cut from a video of many episodes, as in LeRobot v3: 20 s of a file of 120 s, in AV1 with a key frame
// at every second frame. It is compared with the same frames as JPEG, and with all six episodes in one batch with one upload.
//   npm run bench:video -- [--rounds N]
// It uses the embedded engine, and needs ffmpeg with libsvtav1.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { request } from 'undici';
import type { BatchEvent } from '../../schemas/batch.ts';
import type { RewardResult } from '../../schemas/reward.ts';
import { median, multipart, type Program, post, startService, table } from './support.ts';

const { values: options } = parseArgs({ options: { rounds: { type: 'string', default: '5' } } });

const LENGTH_S = 120;
const EPISODE_S = 20;
const FPS = 30;
const instruction = 'Open the drawer.';

const folder = mkdtempSync(join(tmpdir(), 'topreward-bench-'));
process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
const path = join(folder, 'file-000.mp4');
const ffmpeg = (...args: string[]) =>
  execFileSync('ffmpeg', ['-v', 'error', '-y', ...args], { env: { ...process.env, SVT_LOG: '1' } });
const source = `testsrc2=size=640x480:rate=${FPS}:duration=${LENGTH_S}`;
console.log('Encoding…');
const coded = ['-c:v', 'libsvtav1', '-preset', '12', '-crf', '30', '-g', '2', '-pix_fmt', 'yuv420p'];
ffmpeg('-f', 'lavfi', '-i', source, ...coded, path);
const start = 3 * EPISODE_S;
ffmpeg('-ss', String(start), '-i', path, '-t', String(EPISODE_S), '-q:v', '2', join(folder, '%05d.jpg'));
const names = readdirSync(folder).filter((name) => name.endsWith('.jpg'));
const frames = names.sort().map((name) => readFileSync(join(folder, name)));
const video = readFileSync(path);

interface Upload {
  contentType: string;
  bytes: Buffer;
}

/** Makes a form of one JSON part and the video. */
function videoForm(name: string, json: object): Upload {
  const { contentType, bytes } = multipart(json, [video], 'video/mp4');
  const text = bytes
    .toString('latin1')
    .replace('name="episode"', `name="${name}"`)
    .replace('name="frames"', 'name="video"');
  return { contentType, bytes: Buffer.from(text, 'latin1') };
}

const cut = (from: number) => ({ instruction, from_s: from, to_s: from + EPISODE_S });
const starts = Array.from({ length: LENGTH_S / EPISODE_S }, (_, i) => i * EPISODE_S);
const uploads = {
  'frames as JPEG': multipart({ instruction, fps: FPS }, frames, 'image/jpeg'),
  'cut from the video': videoForm('episode', cut(start)),
};
const batch = videoForm('batch', { items: starts.map((from) => ({ episode: cut(from), video: 0 })) });

/** @returns the duration of the call in ms, and the `decoding_ms` that the service reports */
async function once({ url }: Program, upload: Upload): Promise<[ms: number, decoding: number]> {
  const { answer, ms } = await post<RewardResult>(`${url}/v1/rewards`, upload);
  return [ms, answer.usage.decoding_ms];
}

async function whole({ url }: Program): Promise<number> {
  const started = performance.now();
  const headers = { 'content-type': batch.contentType };
  const { body } = await request(`${url}/v1/rewards/batch`, { method: 'POST', headers, body: batch.bytes });
  const lines = (await body.text()).trimEnd().split('\n');
  const end = JSON.parse(lines.at(-1) as string) as BatchEvent;
  if (end.event !== 'end' || end.scored !== starts.length) throw new Error(lines.join('\n').slice(0, 1000));
  return performance.now() - started;
}

const service = await startService('', { ENGINE: 'embedded' });
try {
  const measured: Record<string, [number, number][]> = { 'frames as JPEG': [], 'cut from the video': [] };
  const batches: number[] = [];
  for (let round = 0; round <= Number(options.rounds); round += 1) {
    for (const [name, upload] of Object.entries(uploads)) measured[name]?.push(await once(service, upload));
    batches.push(await whole(service));
  }
  const rows = Object.entries(uploads).map(([name, { bytes }]) => {
    // The first round is a warm-up.
    const kept = (measured[name] as [number, number][]).slice(1);
    const [ms, decoding] = [0, 1].map((at) => median(kept.map((pair) => pair[at] as number)).toFixed(0));
    return [name, ms, decoding, (bytes.length / 1e6).toFixed(1)] as string[];
  });
  const each = (median(batches.slice(1)) / starts.length).toFixed(0);
  rows.push(['each of six episodes in a batch', each, '', (batch.bytes.length / 1e6 / starts.length).toFixed(1)]);
  console.log(`\n${EPISODE_S} s of ${LENGTH_S} s, 640×480, ${FPS} fps, AV1; medians of ${options.rounds} rounds`);
  console.log(table(['', 'ms', 'decoding ms', 'MB'], rows));
} finally {
  await service.stop();
}
