import type { FastifyInstance, FastifyRequest } from 'fastify';
import { RewardForm, RewardRequest } from '../schemas/episode.ts';
import { EXAMPLES } from '../schemas/examples.ts';
import { EpisodeResult } from '../schemas/result.ts';
import { RewardEvent } from '../schemas/reward-event.ts';
import { createEpisodeReader } from '../src/http/episode-reader.ts';
import { LINES, prefersLines } from '../src/http/lines.ts';
import { EPISODE_PROBLEMS, FORM_PROBLEMS, problems, UPLOAD } from '../src/http/responses.ts';
import { sendReward } from '../src/http/reward-lines.ts';
import { scoreUpload } from '../src/http/score-upload.ts';
import type { Service } from '../src/http/service.ts';
import { type Admitted, uploadHandler } from '../src/http/uploads.ts';
import { checkedAsStream } from '../src/http/validation.ts';
import { resultOf } from '../src/scoring/scoring.ts';
import { formParts } from '../src/upload/form.ts';
import { readJson } from '../src/upload/json.ts';
import { readMultipart } from '../src/upload/multipart.ts';
import type { Upload } from '../src/upload/upload.ts';

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
        'application/json': { schema: EpisodeResult, examples: EXAMPLES.result },
        [LINES]: { schema: RewardEvent, examples: EXAMPLES.lines },
      },
    },
    ...problems(...UPLOAD, ...EPISODE_PROBLEMS, ...FORM_PROBLEMS),
  },
};

/** Adds the operation that scores one episode: `POST /v1/rewards`. */
export async function rewardRoutes(v1: FastifyInstance, service: Service): Promise<void> {
  const { config, metrics } = service;

  v1.route({
    method: 'POST',
    url: '/rewards',
    schema,
    validatorCompiler: checkedAsStream,
    config: {
      vary: 'Accept',
      upload: { seconds: config.DEADLINE_S, needsEngine: true, jsonBytes: config.MAX_JSON_BYTES },
    },
    handler: uploadHandler(async (request, reply, admitted) => {
      const { reservation, deadline } = admitted;
      const upload = await readUpload(request, service, admitted);
      const { memory, disk } = upload.frames.uploadedBytes();
      reservation.shrinkTo(memory + disk);
      const scoring = scoreUpload(upload, request, service, admitted);
      if (prefersLines(request)) return await sendReward(scoring, { request, reply, deadline, metrics });
      return await resultOf(scoring);
    }),
  });
}

async function readUpload(
  request: FastifyRequest,
  service: Service,
  { deadline: { signal }, count }: Admitted,
): Promise<Upload> {
  const { config, json } = service;
  const reader = createEpisodeReader(service, { tenant: request.tenant, signal });
  if (request.isMultipart()) {
    await readMultipart(formParts(request, config.MAX_FRAMES + 2, count), config, reader, json);
  } else {
    await readJson(request.body, config, reader);
    // The frames are decoded, so the text can be freed.
    request.body = undefined;
  }
  return reader.finish();
}
