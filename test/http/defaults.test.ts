import type { FastifyInstance } from 'fastify';
import t, { type Test } from 'tap';
import { postEpisode } from '../support/forms.ts';
import { startGvl } from '../support/gvl.ts';
import { frameFiles } from '../support/images.ts';
import { EPISODE } from '../support/stub-engine.ts';

// Clients that openapi-generator makes for Java and Go send every member that has a default in the contract.

const files = await frameFiles(6);
const { app } = await startGvl(t);

/** The defaults of the members of a schema in the contract. */
async function defaultsOf(app: FastifyInstance, schema: string): Promise<Record<string, unknown>> {
  const { components } = (await app.inject('/openapi.json')).json();
  const members = Object.entries<{ default?: unknown }>(components.schemas[schema].properties);
  return Object.fromEntries(members.flatMap(([name, each]) => ('default' in each ? [[name, each.default]] : [])));
}

const [episode, likelihood, gvl] = await Promise.all(
  ['Episode', 'LikelihoodOptions', 'GvlOptions'].map((schema) => defaultsOf(app, schema)),
);

async function accepted(t: Test, options: object) {
  const { statusCode, body } = await postEpisode(app, { ...EPISODE, ...episode, ...options }, files);
  t.equal(statusCode, 200, `${JSON.stringify(options)}: ${body.slice(0, 300)}`);
}

t.test('a client may send every default of the contract, whatever else it sends', async (t) => {
  t.ok(Object.keys(episode ?? {}).length > 2 && Object.keys(gvl ?? {}).length > 1);
  await accepted(t, {});
  await accepted(t, { pipeline: 'published' });
  await accepted(t, { frame_size: 'budget', max_pixels: 4096 });
  await accepted(t, { method: 'instruction_likelihood' });
  await accepted(t, { method: 'instruction_likelihood', pipeline: 'published', likelihood });
  await accepted(t, { method: 'gvl', gvl });
  await accepted(t, { method: 'gvl', gvl: { ...gvl, frames: [0, 2] } });
  await accepted(t, { method: 'gvl', gvl: { ...gvl, order: [5, 4, 3, 2, 1, 0] } });
});
