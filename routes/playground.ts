import { readdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import fastifyStatic from '@fastify/static';
import type { FastifyInstance } from 'fastify';
import { pageHeaders } from '../src/http/page-headers.ts';

const PAGE = new URL('../playground/', import.meta.url);
const EPISODES = new URL('../examples/episodes/', import.meta.url);

/** The page runs only its own files and sends requests only to this service. Text cannot become markup. */
const HEADERS = pageHeaders(
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' blob:",
  'media-src blob:',
  "connect-src 'self'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
);

/** The playground at `/`, and the recorded episodes that it offers. */
export async function playgroundRoutes(app: FastifyInstance): Promise<void> {
  const episodes = await listEpisodes();
  const hidden = { schema: { hide: true } };
  app.addHook('onRequest', async (_request, reply) => {
    reply.headers(HEADERS);
  });
  const files = { index: false, cacheControl: false, dotfiles: 'ignore' } as const;
  await app.register(fastifyStatic, {
    ...files,
    root: fileURLToPath(PAGE),
    prefix: '/playground/',
    allowedPath: (path) => /\.(html|css|js|svg)$/.test(path),
  });
  await app.register(fastifyStatic, {
    ...files,
    root: fileURLToPath(EPISODES),
    prefix: '/playground/episodes/',
    decorateReply: false,
    allowedPath: (path) => path.endsWith('.jpg'),
  });
  app.get('/', hidden, (_request, reply) => reply.sendFile('index.html'));
  app.get('/playground/episodes.json', hidden, () => episodes);
}

/** The recorded episodes, with addresses relative to the page. */
async function listEpisodes() {
  const names = (await readdir(EPISODES)).sort();
  const episodes = await Promise.all(
    names.map(async (name) => {
      const folder = new URL(`${name}/`, EPISODES);
      const { id, instruction, fps, outcome } = JSON.parse(await readFile(new URL('episode.json', folder), 'utf8'));
      const pictures = (await readdir(folder)).filter((file) => file.endsWith('.jpg')).sort();
      return { id, instruction, fps, outcome, frames: pictures.map((file) => `playground/episodes/${name}/${file}`) };
    }),
  );
  // The success first, because it shows best what the page does.
  return episodes.sort((a, b) => b.outcome.localeCompare(a.outcome));
}
