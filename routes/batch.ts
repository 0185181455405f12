import type { FastifyInstance, FastifyRequest } from 'fastify';
import { BatchEvent, BatchForm, BatchRequest } from '../schemas/batch.ts';
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
import { problems } from './problem-responses.ts';

const schema = {
  operationId: 'scoreBatch',
  summary: 'Score many episodes',
  description:
    'Many episodes in one request, each with its own options. The answer has one line for each, a result or a problem, as soon as it is done, and a last line that tells the end.',
  tags: ['rewards'],
  security: [{}, { apiKey: [] }],
  body: {
    content: { 'application/json': { schema: BatchRequest }, 'multipart/form-data': { schema: BatchForm } },
  },
  response: {
    200: { description: 'One line for each episode.', content: { [LINES]: { schema: BatchEvent } } },
    ...problems(401, 408, 413, 415, 422, 429, 500, 503, 504),
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
    // As for one episode: the body is read as a stream and checked on the way.
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
