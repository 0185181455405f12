import type { FastifyInstance, FastifyRequest } from 'fastify';
import { RewardForm, RewardRequest } from '../schemas/episode.ts';
import { EXAMPLES } from '../schemas/examples.ts';
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
import { EPISODE_PROBLEMS, FORM_PROBLEMS, problems, UPLOAD } from './responses.ts';
import { prefersLines, sendReward } from './reward-lines.ts';

const schema = {
  operationId: 'scoreEpisode',
  summary: 'Score an episode',
  description:
    'Takes the frames of an episode and an instruction. Returns a log probability and the progress of every requested prefix, the score, and whether the episode is a success. A form sends the fewest bytes; its parts may be in any order. With `Accept: application/x-ndjson` each prefix is sent as soon as it is known, and the result is the last line.',
  tags: ['rewards'],
  security: [{}, { apiKey: [] }],
  body: {
    // JSON first: generators with one body per operation use the first, and few of them send the JSON part of a form correctly.
    content: { 'application/json': { schema: RewardRequest }, 'multipart/form-data': { schema: RewardForm } },
  },
  response: {
    200: {
      description: 'The scored episode.',
      content: {
        'application/json': { schema: RewardResult, examples: EXAMPLES.result },
        [LINES]: { schema: RewardEvent, examples: EXAMPLES.lines },
      },
    },
    ...problems(...UPLOAD, ...EPISODE_PROBLEMS, ...FORM_PROBLEMS),
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
    // The body is read as a stream, so Fastify cannot validate it. src/upload checks it against the same schema.
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
    // The frames are decoded, so the text can be freed.
    request.body = undefined;
  }
  return reader.finish();
}
