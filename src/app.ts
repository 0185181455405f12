import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import fastifyMultipart from '@fastify/multipart';
import fastifySwagger from '@fastify/swagger';
import fastifySwaggerUi from '@fastify/swagger-ui';
import Fastify, { type FastifyBaseLogger, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { batchRoute } from '../routes/batch.ts';
import { calibrationRoute } from '../routes/calibrations.ts';
import { serveContract } from '../routes/contract.ts';
import { healthRoutes } from '../routes/health.ts';
import { metricsRoute } from '../routes/metrics.ts';
import { modelRoute } from '../routes/model.ts';
import { playgroundRoutes } from '../routes/playground.ts';
import { rewardRoutes } from '../routes/rewards.ts';
import { createAdmission } from './admission.ts';
import { authenticator } from './authentication.ts';
import { answerClientError } from './client-error.ts';
import type { Config } from './config.ts';
import { guardDoors } from './doors.ts';
import type { Engine } from './engine/engine.ts';
import { answerError } from './error-handler.ts';
import { createFrameMemory } from './frames/recent-frames.ts';
import { createRenderer } from './frames/renderer.ts';
import { createJsonReader } from './json/json.ts';
import { createMetrics } from './metrics.ts';
import { OPENAPI } from './openapi.ts';
import { ProblemError } from './problems.ts';
import { buildSerializer } from './serializers.ts';
import type { Service } from './service.ts';
import { readBody } from './upload/body.ts';
import { createVideoReader } from './video/video.ts';

/** The page of the contract asks nobody but this service. Swagger UI sets styles inline. */
const DOCS_CSP = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ');

/**
 * Builds the service, without listening. Closing it closes the engine too.
 * @param log of the whole service; none means silence
 */
export async function buildApp(config: Config, engine: Engine, log?: FastifyBaseLogger): Promise<FastifyInstance> {
  const app = Fastify({
    ...(log ? { loggerInstance: log } : { logger: false }),
    genReqId: () => randomUUID(),
    schemaController: { compilersFactory: { buildSerializer } },
    bodyLimit: config.MAX_JSON_BYTES,
    // The route's own deadline answers first, with a problem; this one ends what never becomes a request.
    requestTimeout: Math.ceil(Math.max(config.DEADLINE_S, config.BATCH_DEADLINE_S) * 1000) + 10_000,
    forceCloseConnections: 'idle',
    // Node's own answer is no problem document: src/hosts.ts refuses what has no Host.
    http: { requireHostHeader: false },
    frameworkErrors: answerError,
    clientErrorHandler: (error, socket) => answerClientError(error, socket as Socket, app.log),
  });
  const json = createJsonReader();
  const renderer = createRenderer(config.RENDER_WORKERS, config.MAX_FRAME_PIXELS);
  const video = await createVideoReader(config, renderer, app.log);
  // Whoever stalls with all the places and memory that it can get still leaves half to the others.
  const share = config.tenants.size > 1 ? 0.5 : 1;
  const admission = createAdmission({
    places: config.MAX_ACTIVE,
    bytes: config.UPLOAD_MEMORY_BYTES,
    waiting: config.MAX_WAITING,
    share,
  });
  // Everybody here has been let in already, so nobody is sent away.
  const frameMemory = createAdmission({
    places: Number.POSITIVE_INFINITY,
    bytes: config.FRAME_MEMORY_BYTES,
    waiting: Number.POSITIVE_INFINITY,
    share,
  });
  const recentFrames = createFrameMemory(config.RECENT_FRAMES_BYTES);
  const metrics = createMetrics(admission, frameMemory, recentFrames);
  const service: Service = {
    config,
    engine,
    json,
    renderer,
    recentFrames,
    video,
    admission,
    frameMemory,
    metrics,
    authenticate: authenticator(config.tenants),
  };

  app.setErrorHandler(answerError);
  guardDoors(app, config);
  async function refuseUnknown(request: FastifyRequest, reply: FastifyReply): Promise<never> {
    const allowed = methodsAt(app, request.url);
    if (allowed.length === 0) throw new ProblemError('not-found', 'There is nothing at this path. See /docs.');
    reply.header('allow', allowed.join(', '));
    throw new ProblemError('method-not-allowed', `There is no ${request.method} here, only ${allowed.join(', ')}.`);
  }
  app.setNotFoundHandler(refuseUnknown);
  app.addHook('onRequest', async (request, reply) => {
    reply.header('x-request-id', request.id);
    // Before a body is looked at: whatever is wrong with that matters less.
    if (request.is404) await refuseUnknown(request, reply);
    const coding = request.headers['content-encoding'] ?? 'identity';
    if (coding.toLowerCase() === 'identity') return;
    throw new ProblemError('unsupported-media-type', 'Send the body as it is, without `Content-Encoding`.');
  });
  app.addHook('onResponse', async (request, reply) => {
    const schema = request.routeOptions.schema as { operationId?: string } | undefined;
    if (schema?.operationId) metrics.request(schema.operationId, reply.statusCode, reply.elapsedTime / 1000);
  });
  // A connection that is busy when the service stops would stay open, idle, for its keep-alive time. An answer in lines may
  // have sent its header by then: its client cannot be told, and its connection is closed soon after (Node adds 1 s).
  let stopping = false;
  app.addHook('preClose', async () => {
    stopping = true;
    app.server.keepAliveTimeout = 1;
  });
  app.addHook('onSend', async (_request, reply) => {
    if (stopping) reply.header('connection', 'close');
  });
  app.addHook('onClose', async () => {
    await engine.close();
    await renderer.close();
    await video.close();
    await json.close();
  });

  await app.register(fastifySwagger, { openapi: OPENAPI });
  serveContract(app);
  await app.register(fastifySwaggerUi, {
    routePrefix: '/docs',
    staticCSP: DOCS_CSP,
    uiConfig: { validatorUrl: null },
  });
  app.removeContentTypeParser(['text/plain', 'application/json']);
  app.addContentTypeParser('application/json', async (request: FastifyRequest, payload: IncomingMessage) => {
    const { bodyLimit = config.MAX_JSON_BYTES } = request.routeOptions;
    return json.read(await readBody(request, payload, bodyLimit));
  });
  await app.register(fastifyMultipart);
  await app.register(rewardRoutes, service);
  await app.register(batchRoute, service);
  await app.register(calibrationRoute, service);
  await app.register(modelRoute, service);
  await app.register(healthRoutes, service);
  await app.register(metricsRoute, service);
  await app.register(playgroundRoutes, { logLevel: 'warn' });
  return app;
}

/** The methods that a path is served with; none where there is nothing. Paths of the contract hold no parameters. */
function methodsAt(app: FastifyInstance, url: string): string[] {
  const [path = ''] = url.split('?');
  return app.supportedMethods.filter((method) => app.hasRoute({ method, url: path }));
}
