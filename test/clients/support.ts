import { execFile } from 'node:child_process';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import type { Test } from 'tap';
import { request } from 'undici';

export const FOLDER = fileURLToPath(new URL('.', import.meta.url));

/**
 * Runs a script in this folder.
 * @param env added to the environment of this process
 * @returns its exit code and its output, including standard error
 */
export async function script(
  path: string,
  argv: string[] = [],
  env: Record<string, string> = {},
): Promise<{ code: number; out: string }> {
  const options = { maxBuffer: 1e8, env: { ...process.env, ...env } };
  return new Promise((resolve) => {
    execFile(`${FOLDER}${path}`, argv, options, (error, stdout, stderr) => {
      resolve({ code: error ? Number(error.code) || 1 : 0, out: `${stdout}${stderr}` });
    });
  });
}

/** Starts a service of a later version: every object in its responses has one more member, which is not in the contract. */
export async function laterVersion(t: Test, address: string): Promise<string> {
  const server = createServer(async (incoming, outgoing) => {
    const {
      host: _,
      connection: _connection,
      upgrade: _upgrade,
      'http2-settings': _settings,
      ...headers
    } = incoming.headers;
    // Read completely first: undici destroys a stream, and with it the connection of the client, if the response ends before it.
    const body = await buffer(incoming);
    const answer = await request(`${address}${incoming.url}`, {
      method: incoming.method as 'GET',
      headers,
      body: body.length > 0 ? body : null,
    });
    const type = String(answer.headers['content-type']);
    const documents = type.startsWith('application/x-ndjson')
      ? (await answer.body.text()).trimEnd().split('\n')
      : [await answer.body.text()];
    const texts = documents.map((text) => `${JSON.stringify(grown(JSON.parse(text)))}\n`);
    outgoing.writeHead(answer.statusCode, { 'content-type': type }).end(texts.join(''));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function grown(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(grown);
  if (value === null || typeof value !== 'object') return value;
  const members = Object.entries(value).map(([name, inner]) => [name, grown(inner)]);
  return { ...Object.fromEntries(members), added_later: { of: ['a', 'later', 'version'] } };
}
