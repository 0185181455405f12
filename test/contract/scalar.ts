import { readFile } from 'node:fs/promises';
import scalar from '@scalar/fastify-api-reference';
import Fastify from 'fastify';

/** The script of the API reference and its licence, as the pinned npm package has them. */
export async function packagedScalar(): Promise<{ script: string; licence: string }> {
  const app = Fastify();
  await app.register(scalar, { routePrefix: '/reference', configuration: { url: 'unused' } });
  const { statusCode, body } = await app.inject('/reference/js/scalar.js');
  await app.close();
  if (statusCode !== 200) throw new Error(`The package has no script: ${body}`);
  const licence = new URL('../LICENSE', import.meta.resolve('@scalar/fastify-api-reference'));
  return { script: body, licence: await readFile(licence, 'utf8') };
}
