import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import fastifyMultipart from '@fastify/multipart';
import fastifySwagger from '@fastify/swagger';
import Fastify, { type FastifyBaseLogger, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { batchRoute } from '../routes/batch.ts';
import { calibrationRoute } from '../routes/calibrations.ts';
import { serveContract } from '../routes/contract.ts';
import { healthRoutes } from '../routes/health.ts';
import { metricsRoute } from '../routes/metrics.ts';
import { modelRoute } from '../routes/model.ts';
import { playgroundRoutes } from '../routes/playground.ts';
import { problemPages } from '../routes/problem-pages.ts';
import { referenceRoutes } from '../routes/reference.ts';
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

/**
 * Builds the service, without listening. Closing the app also closes the engine.
 * @param log log of the complete service; without it nothing is logged
 */
export async function buildApp(config: Config, engine: Engine, log?: FastifyBaseLogger): Promise<FastifyInstance> {
  const app = Fastify({
    ...(log ? { loggerInstance: log } : { logger: false }),
    genReqId: () => randomUUID(),
    schemaController: { compilersFactory: { buildSerializer } },
    bodyLimit: config.MAX_JSON_BYTES,
    // The deadline of a route is shorter and sends a problem. This timeout ends connections that never become a request.
    requestTimeout: Math.ceil(Math.max(config.DEADLINE_S, config.BATCH_DEADLINE_S) * 1000) + 10_000,
    forceCloseConnections: 'idle',
    // Node's own response is not a problem document. src/hosts.ts refuses requests without a Host header instead.
    http: { requireHostHeader: false },
    frameworkErrors: answerError,
    clientErrorHandler: (error, socket) => answerClientError(error, socket as Socket, app.log),
  });
  const json = createJsonReader();
  const renderer = createRenderer(config.RENDER_WORKERS, config.MAX_FRAME_PIXELS);
  const video = await createVideoReader(config, renderer, app.log);
  // A tenant whose uploads stall can hold half of the capacity at most. The other half remains for the other tenants.
  const share = config.tenants.size > 1 ? 0.5 : 1;
  const admission = createAdmission({
    places: config.MAX_ACTIVE,
    bytes: config.UPLOAD_MEMORY_BYTES,
    waiting: config.MAX_WAITING,
    share,
  });
  // These requests have been admitted already, so none of them is refused here.
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
    if (allowed.length === 0) throw new ProblemError('not-found', 'Nothing exists at this path. See /docs.');
    reply.header('allow', allowed.join(', '));
    const detail = `This path does not support ${request.method}. It supports: ${allowed.join(', ')}.`;
    throw new ProblemError('method-not-allowed', detail);
  }
  app.setNotFoundHandler(refuseUnknown);
  app.addHook('onRequest', async (request, reply) => {
    reply.header('x-request-id', request.id);
    // This comes before any check of the body: a wrong path is the more useful error.
    if (request.is404) await refuseUnknown(request, reply);
    const coding = request.headers['content-encoding'] ?? 'identity';
    if (coding.toLowerCase() === 'identity') return;
    const detail = 'Compressed bodies are not supported. Send the body without `Content-Encoding`.';
    throw new ProblemError('unsupported-media-type', detail);
  });
  app.addHook('onResponse', async (request, reply) => {
    const schema = request.routeOptions.schema as { operationId?: string } | undefined;
    if (schema?.operationId) metrics.request(schema.operationId, reply.statusCode, reply.elapsedTime / 1000);
  });
  // A connection that is busy when the service stops would afterwards stay open, idle, for its keep-alive time. The header
  // below closes it. A response in lines may have sent its headers already, so the server also closes idle connections
  // early (Node adds 1 s to this time).
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
  await app.register(problemPages, { logLevel: 'warn' });
  await app.register(playgroundRoutes, { logLevel: 'warn' });
  await app.register(referenceRoutes, { logLevel: 'warn' });
  return app;
}

/** The methods that a path supports; none if nothing exists there. No path of the contract has parameters. */
function methodsAt(app: FastifyInstance, url: string): string[] {
  const [path = ''] = url.split('?');
  return app.supportedMethods.filter((method) => app.hasRoute({ method, url: path }));
}
