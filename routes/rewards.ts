import type { FastifyInstance, FastifyRequest } from 'fastify';
import { RewardForm, RewardRequest } from '../schemas/episode.ts';
import { RewardResult } from '../schemas/reward.ts';
import { RewardEvent } from '../schemas/reward-event.ts';
import type { Metrics } from '../src/metrics.ts';
import { resultOf, type Scoring, scoreEpisode } from '../src/score-episode.ts';
import type { Service } from '../src/service.ts';
import { formParts } from '../src/upload/form.ts';
import { readJson } from '../src/upload/json.ts';
import { readMultipart } from '../src/upload/multipart.ts';
import type { Upload } from '../src/upload/upload.ts';
import { type Admitted, uploadGate, uploadReader } from './admit.ts';
import { LINES } from './lines.ts';
import { problems } from './problem-responses.ts';
import { prefersLines, sendReward } from './reward-lines.ts';

const schema = {
  operationId: 'scoreEpisode',
  summary: 'Score an episode',
  description:
    'Frames and an instruction in; log probabilities, progress and success out, for every prefix asked for. Parts of the form may come in any order. With `Accept: application/x-ndjson` each prefix is sent as soon as it is known, the result as the last line.',
  tags: ['rewards'],
  security: [{}, { apiKey: [] }],
  body: {
    // JSON first: generators that know one body per operation take the first, and few of them send a form’s JSON part well.
    content: { 'application/json': { schema: RewardRequest }, 'multipart/form-data': { schema: RewardForm } },
  },
  response: {
    200: {
      description: 'The episode, scored.',
      content: { 'application/json': { schema: RewardResult }, [LINES]: { schema: RewardEvent } },
    },
    ...problems(401, 408, 409, 413, 415, 422, 429, 500, 501, 502, 503, 504),
  },
};

export async function rewardRoutes(app: FastifyInstance, service: Service): Promise<void> {
  const { config, engine, frameMemory, metrics } = service;
  const { admit, admitted } = uploadGate(service, {
    seconds: config.DEADLINE_S,
    needsEngine: true,
    jsonBytes: config.MAX_JSON_BYTES,
  });

  app.route({
    method: 'POST',
    url: '/v1/rewards',
    schema,
    // Uploads are read as streams and checked by src/upload; the schema above is the contract they are checked against.
    validatorCompiler: () => () => true,
    async onRequest(request, reply) {
      reply.header('vary', 'Accept');
      await admit(request, reply);
    },
    async handler(request, reply) {
      const { ticket, tenant, deadline } = admitted(request);
      const { signal } = deadline;
      try {
        const upload = await readUpload(request, service, admitted(request));
        const { memory, disk } = upload.frames.heldBytes();
        ticket.keep(memory + disk);
        const context = { engine, tenant, waitedMs: ticket.waitedMs, signal, defaults: config, frameMemory };
        const scoring = counted(scoreEpisode(upload, context), metrics);
        if (prefersLines(request)) return await sendReward(scoring, { request, reply, deadline, metrics });
        return await resultOf(scoring);
      } catch (error) {
        if (!signal.aborted && !reply.sent) throw error;
        return reply.hijack();
      }
    },
  });
}

async function* counted(scoring: Scoring, metrics: Metrics): Scoring {
  const result = yield* scoring;
  metrics.scored(result);
  return result;
}

async function readUpload(
  request: FastifyRequest,
  service: Service,
  { tenant, deadline: { signal }, count }: Admitted,
): Promise<Upload> {
  const { config, json } = service;
  const reader = uploadReader(service, { tenant, signal });
  if (request.isMultipart()) {
    await readMultipart(formParts(request, config.MAX_FRAMES + 2, count), config, reader, json);
  } else {
    await readJson(request.body, config, reader);
    // Its frames are decoded: the text is not needed any more.
    request.body = undefined;
  }
  return reader.finish();
}
