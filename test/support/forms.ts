import type { FastifyInstance } from 'fastify';
import type { Answer } from './answers.ts';
import { frameFile } from './images.ts';

export interface Part {
  name: string;
  content: Buffer | string;
  filename?: string | undefined;
  type?: string | undefined;
}

export const BOUNDARY = 'b0undary';

/** A multipart body and its headers. */
export function multipart(parts: Part[]): { headers: Record<string, string>; payload: Buffer } {
  const pieces = parts.flatMap(({ content, ...part }) => [partHead(part), Buffer.from(content), Buffer.from('\r\n')]);
  return {
    headers: { 'content-type': `multipart/form-data; boundary=${BOUNDARY}` },
    payload: Buffer.concat([...pieces, Buffer.from(`--${BOUNDARY}--\r\n`)]),
  };
}

export function partHead({ name, filename, type }: Omit<Part, 'content'>): Buffer {
  const file = filename === undefined ? '' : `; filename="${filename}"`;
  const typed = type === undefined ? '' : `Content-Type: ${type}\r\n`;
  return Buffer.from(`--${BOUNDARY}\r\nContent-Disposition: form-data; name="${name}"${file}\r\n${typed}\r\n`);
}

export const episodePart = (episode: unknown): Part => ({ name: 'episode', content: JSON.stringify(episode) });
export const framePart = (content: Buffer): Part => ({ name: 'frames', content, filename: 'frame', type: 'image/png' });
export const npyPart = (content: Buffer): Part => ({ name: 'npy', content, filename: 'frames.npy' });

export async function postParts(
  app: FastifyInstance,
  parts: Part[],
  headers: Record<string, string> = {},
): Promise<Answer> {
  const form = multipart(parts);
  return app.inject({
    method: 'POST',
    url: '/v1/rewards',
    payload: form.payload,
    headers: { ...form.headers, ...headers },
  });
}

/** Posts an episode with its frames, the episode first. */
export async function postEpisode(app: FastifyInstance, episode: unknown, frames?: Buffer[]): Promise<Answer> {
  const files = frames ?? [await frameFile()];
  return postParts(app, [episodePart(episode), ...files.map(framePart)]);
}
