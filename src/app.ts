import { randomUUID } from 'node:crypto';
import fastifyMultipart from '@fastify/multipart';
import fastifySwagger from '@fastify/swagger';
import Fastify, { type FastifyBaseLogger, type FastifyInstance } from 'fastify';
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
import type { Config } from './config/config.ts';
import type { Engine } from './engine/engine.ts';
import { createRecentFrameCache } from './frames/recent-frames.ts';
import { createRenderer } from './frames/renderer.ts';
import { answerClientError } from './http/client-error.ts';
import { answerError } from './http/error-handler.ts';
import { guardRequests } from './http/guards.ts';
import { readJsonBodies } from './http/json-bodies.ts';
import { createMetrics } from './http/metrics.ts';
import { OPENAPI } from './http/openapi.ts';
import { protectOperations } from './http/operations.ts';
import { buildSerializer } from './http/serializers.ts';
import type { Service } from './http/service.ts';
import { closeWhenStopping } from './http/stopping.ts';
import { checkBodies } from './http/validation.ts';
import { createJsonReader } from './json/json.ts';
import { createFairQueue } from './limits/fair-queue.ts';
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
    // Node's own response is not a problem document. src/http/hosts.ts refuses requests without a Host header instead.
    http: { requireHostHeader: false },
    frameworkErrors: answerError,
    clientErrorHandler: (error, socket) => answerClientError(error, socket, app.log),
  });
  const json = createJsonReader();
  const renderer = createRenderer(config.RENDER_WORKERS, config.MAX_FRAME_PIXELS);
  const video = await createVideoReader(config, renderer, app.log);
  // A tenant whose uploads stall can hold half of the capacity at most. The other half remains for the other tenants.
  // A tenant may have several keys, for example while one replaces another.
  const share = new Set(config.tenants.values()).size > 1 ? 0.5 : 1;
  const admission = createFairQueue({
    places: config.MAX_ACTIVE,
    bytes: config.UPLOAD_MEMORY_BYTES,
    waiting: config.MAX_WAITING,
    share,
  });
  // These requests have been admitted already, so none of them is refused here.
  const renderBudget = createFairQueue({ bytes: config.FRAME_MEMORY_BYTES, share });
  const recentFrames = createRecentFrameCache(config.RECENT_FRAMES_BYTES);
  const queues = {
    admission,
    'frame-memory': renderBudget,
    ...renderer.queues,
    ...video.queues,
    ...engine.queues,
  };
  const metrics = createMetrics(queues, recentFrames);
  const service: Service = {
    config,
    engine,
    json,
    renderer,
    recentFrames,
    video,
    admission,
    renderBudget,
    metrics,
  };

  app.setErrorHandler(answerError);
  app.setValidatorCompiler(checkBodies);
  guardRequests(app, config);
  app.addHook('onResponse', async (request, reply) => {
    const { operationId } = request.routeOptions.schema ?? {};
    if (operationId) metrics.request(operationId, reply.statusCode, reply.elapsedTime / 1000);
  });
  closeWhenStopping(app);
  app.addHook('onClose', async () => {
    await engine.close();
    await renderer.close();
    await video.close();
    await json.close();
  });

  await app.register(fastifySwagger, { openapi: OPENAPI });
  serveContract(app);
  readJsonBodies(app, json);
  await app.register(fastifyMultipart);
  await app.register(
    async (v1) => {
      protectOperations(v1, service);
      await v1.register(rewardRoutes, service);
      await v1.register(batchRoute, service);
      await v1.register(calibrationRoute, service);
      await v1.register(modelRoute, service);
    },
    { prefix: '/v1' },
  );
  await app.register(healthRoutes, service);
  await app.register(metricsRoute, service);
  await app.register(problemPages, { logLevel: 'warn' });
  await app.register(playgroundRoutes, { logLevel: 'warn' });
  await app.register(referenceRoutes, { logLevel: 'warn' });
  return app;
}
