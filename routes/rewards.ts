import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { RewardForm, RewardRequest } from '../schemas/episode.ts';
import { RewardResult } from '../schemas/reward.ts';
import { RewardEvent } from '../schemas/reward-event.ts';
import type { Ticket } from '../src/admission.ts';
import type { Config } from '../src/config.ts';
import { type Deadline, startDeadline } from '../src/deadline.ts';
import { collectFrames } from '../src/frames/frames.ts';
import type { Metrics } from '../src/metrics.ts';
import { type Scoring, scoreEpisode } from '../src/score-episode.ts';
import type { Service } from '../src/service.ts';
import { readJson } from '../src/upload/json.ts';
import { tooLarge } from '../src/upload/limits.ts';
import { readMultipart } from '../src/upload/multipart.ts';
import { createUploadReader, type Upload } from '../src/upload/upload.ts';
import { problems } from './problem-responses.ts';
import { LINES, prefersLines, sendLines } from './reward-lines.ts';

/** A JSON upload is held as text, as parsed strings and as bytes, one after another. */
const JSON_COPIES = 3;

/** The episode and the borders between parts make a form longer than its files, which are counted as they come. */
const FORM_GROWTH = 1.4;

const schema = {
  operationId: 'scoreEpisode',
  summary: 'Score an episode',
  description:
    'Frames and an instruction in; log probabilities, progress and success out, for every prefix asked for. Parts of the form may come in any order. With `Accept: application/x-ndjson` each prefix is sent as soon as it is known, the result as the last line.',
  tags: ['rewards'],
  security: [{}, { apiKey: [] }],
  body: {
    content: { 'multipart/form-data': { schema: RewardForm }, 'application/json': { schema: RewardRequest } },
  },
  response: {
    200: {
      description: 'The episode, scored.',
      content: { 'application/json': { schema: RewardResult }, [LINES]: { schema: RewardEvent } },
    },
    ...problems(400, 401, 408, 413, 415, 422, 500, 501, 502, 503, 504),
  },
};

interface Admitted {
  ticket: Ticket;
  tenant: string;
  deadline: Deadline;
}

export async function rewardRoutes(app: FastifyInstance, service: Service): Promise<void> {
  const { config, engine, admission, frameMemory, metrics, authenticate } = service;
  const admitted = new WeakMap<FastifyRequest, Admitted>();

  async function admit(request: FastifyRequest, reply: FastifyReply) {
    reply.header('vary', 'Accept');
    const tenant = authenticate(request);
    engine.describe();
    const deadline = startDeadline(request, reply, config.DEADLINE_S);
    const ticket = await admission.enter(neededMemory(request, config), deadline.signal);
    deadline.admitted();
    reply.raw.once('close', ticket.release);
    if (reply.raw.destroyed) ticket.release();
    admitted.set(request, { ticket, tenant, deadline });
  }

  app.route({
    method: 'POST',
    url: '/v1/rewards',
    schema,
    // Uploads are read as streams and checked by src/upload; the schema above is the contract they are checked against.
    validatorCompiler: () => () => true,
    onRequest: admit,
    async handler(request, reply) {
      const { ticket, tenant, deadline } = admitted.get(request) as Admitted;
      const { signal } = deadline;
      try {
        const upload = await readUpload(request, service, signal);
        const context = { engine, tenant, waitedMs: ticket.waitedMs, signal, defaults: config, frameMemory };
        const scoring = counted(scoreEpisode(upload, context), metrics);
        if (prefersLines(request)) return await sendLines(scoring, { request, reply, deadline, metrics });
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

/** Scores to the end, for a caller who wants the whole and no prefix before it. */
async function resultOf(scoring: Scoring): Promise<RewardResult> {
  for (;;) {
    const { done, value } = await scoring.next();
    if (done) return value;
  }
}

async function readUpload(
  request: FastifyRequest,
  { config, renderer, video }: Service,
  signal: AbortSignal,
): Promise<Upload> {
  const reader = createUploadReader(config, collectFrames(config, renderer), video, signal);
  if (request.isMultipart()) await readMultipart(request, config, reader);
  else await readJson(request.body, config, reader);
  return reader.finish();
}

/**
 * Memory that a request may need, from its header alone.
 * @throws ProblemError upload-too-large, before a byte is read
 */
function neededMemory({ headers }: FastifyRequest, { MAX_UPLOAD_BYTES, MAX_JSON_BYTES }: Config): number {
  const isJson = headers['content-type']?.toLowerCase().startsWith('application/json') ?? false;
  const limit = isJson ? MAX_JSON_BYTES : MAX_UPLOAD_BYTES * FORM_GROWTH;
  const declared = headers['content-length'] === undefined ? limit : Number(headers['content-length']);
  if (declared > limit) throw tooLarge(isJson ? MAX_JSON_BYTES : MAX_UPLOAD_BYTES, {});
  return isJson ? declared * JSON_COPIES : declared;
}
