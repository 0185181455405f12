import type { FastifyInstance } from 'fastify';
import { Health } from '../schemas/model.ts';
import { problems } from '../src/http/responses.ts';
import type { Service } from '../src/http/service.ts';
import { ProblemError } from '../src/problems/problems.ts';

const health = (description: string, value: Health) => ({
  description,
  content: { 'application/json': { schema: Health, examples: { health: { summary: description, value } } } },
});

const DEAD = 'The engine has failed and cannot recover. Restart the service.';

/** Adds the health checks: `GET /health/live` and `GET /health/ready`. They need no key. */
export async function healthRoutes(app: FastifyInstance, { engine }: Service): Promise<void> {
  const live = {
    operationId: 'getLiveness',
    summary: 'Check that the service runs',
    description: 'For a liveness probe. Restart the service if this fails.',
    tags: ['service'],
    security: [],
    response: {
      200: health('The service runs.', { status: 'ok' }),
      503: health(DEAD, { status: 'unavailable', reason: DEAD }),
      ...problems(),
    },
  };
  app.get('/health/live', { schema: live, logLevel: 'warn' }, async (_request, reply): Promise<Health> => {
    if (engine.alive()) return { status: 'ok' };
    reply.code(503);
    return { status: 'unavailable', reason: DEAD };
  });

  const ready = {
    operationId: 'getReadiness',
    summary: 'Check that episodes can be scored',
    description: 'For a readiness probe. `reason` says why the engine is not ready, in one line.',
    tags: ['service'],
    security: [],
    response: {
      200: health('Episodes can be scored.', { status: 'ok' }),
      503: health('Episodes cannot be scored.', {
        status: 'unavailable',
        reason: 'The engine is starting.',
      }),
      ...problems(),
    },
  };
  app.get('/health/ready', { schema: ready, logLevel: 'warn' }, async (_request, reply): Promise<Health> => {
    try {
      engine.describe();
      return { status: 'ok' };
    } catch (error) {
      if (!(error instanceof ProblemError)) throw error;
      reply.code(503);
      return { status: 'unavailable', reason: error.message };
    }
  });
}
