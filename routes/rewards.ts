import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { RewardForm, RewardRequest } from '../schemas/episode.ts';
import { RewardResult } from '../schemas/reward.ts';
import type { Service } from '../src/app.ts';
import { collectFrames } from '../src/frames/frames.ts';
import { scoreEpisode } from '../src/score-episode.ts';
import type { Ticket } from '../src/upload/admission.ts';
import { readJson } from '../src/upload/json.ts';
import { readMultipart, tooLarge } from '../src/upload/multipart.ts';
import { createUploadReader, type Upload } from '../src/upload/upload.ts';
import { problems } from './problem-responses.ts';

/** A JSON upload is held as text, as parsed strings and as bytes, one after another. */
const JSON_COPIES = 3;

const schema = {
  operationId: 'scoreEpisode',
  summary: 'Score an episode',
  description:
    'Frames and an instruction in; log probabilities, progress and success out, for every prefix asked for. Parts of the form may come in any order.',
  tags: ['rewards'],
  security: [{}, { apiKey: [] }],
  body: {
    content: { 'multipart/form-data': { schema: RewardForm }, 'application/json': { schema: RewardRequest } },
  },
  response: {
    200: { description: 'The episode, scored.', content: { 'application/json': { schema: RewardResult } } },
    ...problems(400, 401, 408, 413, 415, 422, 500, 502, 503, 504),
  },
};

export async function rewardRoutes(app: FastifyInstance, service: Service): Promise<void> {
  const { config, engine, admission, metrics, authenticate } = service;
  const admitted = new WeakMap<FastifyRequest, { ticket: Ticket; tenant: string; signal: AbortSignal }>();

  async function admit(request: FastifyRequest, reply: FastifyReply) {
    const tenant = authenticate(request);
    engine.describe();
    const signal = whileWaitedFor(reply);
    const ticket = await admission.enter(neededMemory(request, config.MAX_UPLOAD_BYTES), signal);
    reply.raw.once('close', ticket.release);
    if (reply.raw.destroyed) ticket.release();
    admitted.set(request, { ticket, tenant, signal });
  }

  app.route({
    method: 'POST',
    url: '/v1/rewards',
    schema,
    // Uploads are read as streams and checked by src/upload; the schema above is the contract they are checked against.
    validatorCompiler: () => () => true,
    handlerTimeout: Math.ceil(config.DEADLINE_S * 1000),
    onRequest: admit,
    async handler(request) {
      const { ticket, tenant, signal } = admitted.get(request) as {
        ticket: Ticket;
        tenant: string;
        signal: AbortSignal;
      };
      const upload = await readUpload(request, service);
      const result = await scoreEpisode(upload, engine, {
        tenant,
        waitedMs: ticket.waitedMs,
        signal,
        defaults: config,
      });
      metrics.scored(result);
      return result;
    },
  });
}

async function readUpload(request: FastifyRequest, { config, renderer }: Service): Promise<Upload> {
  const reader = createUploadReader(config, collectFrames(config, renderer));
  if (request.isMultipart()) await readMultipart(request, config, reader);
  else await readJson(request.body, config, reader);
  return reader.finish();
}

/** Aborts when the response is closed: answered, timed out, or the client is gone. */
function whileWaitedFor(reply: FastifyReply): AbortSignal {
  const controller = new AbortController();
  reply.raw.once('close', () => controller.abort());
  return controller.signal;
}

function neededMemory({ headers }: FastifyRequest, limit: number): number {
  const isJson = headers['content-type']?.startsWith('application/json') ?? false;
  const declared = headers['content-length'] === undefined ? limit : Number(headers['content-length']);
  // Base64 and the borders between parts make a request longer than its files; the files are counted as they come.
  if (declared > limit * 1.4) throw tooLarge(limit, {});
  return isJson ? declared * JSON_COPIES : declared;
}
