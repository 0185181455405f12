import { readdir, readFile } from 'node:fs/promises';
import { FormData, fetch } from 'undici';
import type { RewardResult } from '../../schemas/reward.ts';

/** Posts the files of an episode as a form. */
export async function post(address: string, files: Buffer[], episode: object, headers: Record<string, string> = {}) {
  const body = new FormData();
  body.set('episode', JSON.stringify(episode));
  for (const [i, file] of files.entries()) body.append('frames', new Blob([new Uint8Array(file)]), `${i}`);
  const answer = await fetch(`${address}/v1/rewards`, { method: 'POST', body, headers });
  return { status: answer.status, body: (await answer.json()) as RewardResult };
}

/** Reads a recorded Meta-World episode: its JPEG files, frame rate and instruction. */
export async function recorded(name: string): Promise<{ files: Buffer[]; fps: number; instruction: string }> {
  const folder = new URL(`../../examples/episodes/${name}/`, import.meta.url);
  const names = (await readdir(folder)).filter((file) => file.endsWith('.jpg')).sort();
  const files = await Promise.all(names.map((file) => readFile(new URL(file, folder))));
  const { fps, instruction } = JSON.parse(await readFile(new URL('episode.json', folder), 'utf8'));
  return { files, fps, instruction };
}
