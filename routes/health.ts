import type { FastifyInstance } from 'fastify';
import { Health } from '../schemas/model.ts';
import { ProblemError } from '../src/problems.ts';
import type { Service } from '../src/service.ts';
import { problems } from './problem-responses.ts';

const health = (description: string) => ({ description, content: { 'application/json': { schema: Health } } });

export async function healthRoutes(app: FastifyInstance, { engine }: Service): Promise<void> {
  const live = {
    operationId: 'getLiveness',
    summary: 'Whether the service runs; if not, it must be started anew',
    tags: ['service'],
    security: [],
    response: {
      200: health('It runs.'),
      503: health('Its engine has failed for good; `reason` says how.'),
      ...problems(),
    },
  };
  app.get('/health/live', { schema: live, logLevel: 'warn' }, async (_request, reply): Promise<Health> => {
    if (engine.alive()) return { status: 'ok' };
    reply.code(503);
    return { status: 'unavailable', reason: 'The engine has failed for good: start the service anew.' };
  });

  const ready = {
    operationId: 'getReadiness',
    summary: 'Whether the engine answers and can do what is needed',
    tags: ['service'],
    security: [],
    response: { 200: health('Episodes can be scored.'), 503: health('They cannot; `reason` says why.'), ...problems() },
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
