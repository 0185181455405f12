import type { FastifyInstance, FastifyRequest } from 'fastify';
import { BatchEvent, BatchForm, BatchRequest } from '../schemas/batch.ts';
import { EXAMPLES } from '../schemas/examples.ts';
import { loggedProblem } from '../src/error-handler.ts';
import { scoreBatch } from '../src/score-batch.ts';
import { resultOf, scoreEpisode } from '../src/score-episode.ts';
import type { Service } from '../src/service.ts';
import { type BatchEntry, createBatchReader } from '../src/upload/batch.ts';
import { readBatchJson } from '../src/upload/batch-json.ts';
import { readBatchMultipart } from '../src/upload/batch-multipart.ts';
import { formParts } from '../src/upload/form.ts';
import { type Admitted, uploadGate, uploadReader } from './admit.ts';
import { LINES, sendLines } from './lines.ts';
import { FORM_PROBLEMS, problems, UPLOAD } from './responses.ts';

const schema = {
  operationId: 'scoreBatch',
  summary: 'Score many episodes',
  description:
    'Takes many episodes in one request, each with options of its own. The response has one line for each episode, a result or a problem, as soon as it is known. The last line is `end`. A problem of one episode does not affect the others.',
  tags: ['rewards'],
  security: [{}, { apiKey: [] }],
  body: {
    content: { 'application/json': { schema: BatchRequest }, 'multipart/form-data': { schema: BatchForm } },
  },
  response: {
    200: {
      description: 'One line for each episode, then `end`.',
      content: { [LINES]: { schema: BatchEvent, examples: EXAMPLES.batch } },
    },
    ...problems(...UPLOAD, ...FORM_PROBLEMS, 'missing-episode', 'engine-unavailable', 'storage-unavailable'),
  },
};

export async function batchRoute(app: FastifyInstance, service: Service): Promise<void> {
  const { config, engine, frameMemory, metrics } = service;
  const { admit, admitted } = uploadGate(service, {
    seconds: config.BATCH_DEADLINE_S,
    needsEngine: true,
    jsonBytes: config.MAX_JSON_BYTES,
  });

  app.route({
    method: 'POST',
    url: '/v1/rewards/batch',
    schema,
    // As in rewards.ts: the body is read as a stream, and src/upload checks it.
    validatorCompiler: () => () => true,
    onRequest: admit,
    async handler(request, reply) {
      const { ticket, tenant, deadline } = admitted(request);
      const { signal } = deadline;
      try {
        const entries = await readBatch(request, service, admitted(request));
        const uploads = entries.flatMap((entry) => ('upload' in entry ? entry.upload.frames.heldBytes() : []));
        let held = uploads.reduce((sum, { memory, disk }) => sum + memory + disk, 0);
        ticket.keep(held);
        const context = { engine, tenant, waitedMs: ticket.waitedMs, signal, defaults: config, frameMemory };
        const events = scoreBatch(entries, {
          signal,
          async score(upload) {
            const { memory } = upload.frames.heldBytes();
            try {
              const result = await resultOf(scoreEpisode(upload, context));
              metrics.scored(result);
              return result;
            } finally {
              held -= memory;
              ticket.keep(held);
            }
          },
          problemOf(error) {
            const problem = loggedProblem(error, request);
            metrics.toldInLines(problem.code);
            return problem;
          },
        });
        return sendLines(events, reply, deadline);
      } catch (error) {
        if (!signal.aborted && !reply.sent) throw error;
        return reply.hijack();
      }
    },
  });
}

async function readBatch(
  request: FastifyRequest,
  service: Service,
  { tenant, deadline: { signal }, count }: Admitted,
): Promise<BatchEntry[]> {
  const { config, json } = service;
  const createReader = () => uploadReader(service, { tenant, signal });
  if (!request.isMultipart()) {
    const entries = await readBatchJson(request.body, config, createReader);
    request.body = undefined;
    return entries;
  }
  const reader = createBatchReader(config, createReader);
  const room = config.MAX_BATCH_FRAMES + config.MAX_BATCH_EPISODES + 1;
  await readBatchMultipart(formParts(request, room, count), config, reader, json);
  return reader.finish();
}
