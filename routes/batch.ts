import type { FastifyInstance, FastifyRequest } from 'fastify';
import { BatchEvent, BatchForm, BatchRequest } from '../schemas/batch.ts';
import { EXAMPLES } from '../schemas/examples.ts';
import { createEpisodeReader } from '../src/http/episode-reader.ts';
import { LINES, problemInLine, sendLines } from '../src/http/lines.ts';
import { FORM_PROBLEMS, problems, UPLOAD } from '../src/http/responses.ts';
import { scoreUpload } from '../src/http/score-upload.ts';
import type { Service } from '../src/http/service.ts';
import { type Admitted, uploadHandler } from '../src/http/uploads.ts';
import { checkedAsStream } from '../src/http/validation.ts';
import { scoreBatch } from '../src/scoring/score-batch.ts';
import { resultOf } from '../src/scoring/scoring.ts';
import { type BatchEntry, createBatchReader } from '../src/upload/batch.ts';
import { readBatchJson } from '../src/upload/batch-json.ts';
import { readBatchMultipart } from '../src/upload/batch-multipart.ts';
import { formParts } from '../src/upload/form.ts';

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

/** Adds the operation that scores many episodes: `POST /v1/rewards/batch`. */
export async function batchRoute(v1: FastifyInstance, service: Service): Promise<void> {
  const { config, metrics } = service;

  v1.route({
    method: 'POST',
    url: '/rewards/batch',
    schema,
    validatorCompiler: checkedAsStream,
    config: {
      upload: { seconds: config.BATCH_DEADLINE_S, needsEngine: true, jsonBytes: config.MAX_JSON_BYTES },
    },
    handler: uploadHandler(async (request, reply, admitted) => {
      const { reservation, deadline } = admitted;
      const entries = await readBatch(request, service, admitted);
      const uploads = entries.flatMap((entry) => ('upload' in entry ? entry.upload.frames.uploadedBytes() : []));
      let held = uploads.reduce((sum, { memory, disk }) => sum + memory + disk, 0);
      reservation.shrinkTo(held);
      const events = scoreBatch(entries, {
        signal: deadline.signal,
        async score(upload) {
          const { memory } = upload.frames.uploadedBytes();
          try {
            return await resultOf(scoreUpload(upload, request, service, admitted));
          } finally {
            held -= memory;
            reservation.shrinkTo(held);
          }
        },
        problemOf: (error) => problemInLine(error, request, metrics),
      });
      return sendLines(events, reply, deadline);
    }),
  });
}

async function readBatch(
  request: FastifyRequest,
  service: Service,
  { deadline: { signal }, count }: Admitted,
): Promise<BatchEntry[]> {
  const { config, json } = service;
  const createReader = () => createEpisodeReader(service, { tenant: request.tenant, signal });
  if (!request.isMultipart()) {
    const entries = await readBatchJson(request.body, config, createReader);
    request.body = undefined;
    return entries;
  }
  const reader = createBatchReader(config, createReader);
  const mostParts = config.MAX_BATCH_FRAMES + config.MAX_BATCH_EPISODES + 1;
  await readBatchMultipart(formParts(request, mostParts, count), config, reader, json);
  return reader.finish();
}
