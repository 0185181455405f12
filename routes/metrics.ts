import type { FastifyInstance } from 'fastify';
import type { Service } from '../src/service.ts';
import { problems } from './problem-responses.ts';

const schema = {
  operationId: 'getMetrics',
  summary: 'Numbers for Prometheus',
  tags: ['service'],
  security: [],
  response: {
    200: { description: 'Text in the Prometheus format.', content: { 'text/plain': { schema: { type: 'string' } } } },
    ...problems(),
  },
};

export async function metricsRoute(app: FastifyInstance, { metrics }: Service): Promise<void> {
  app.get('/metrics', { schema, logLevel: 'warn' }, async (_request, reply) => {
    const { type, text } = await metrics.expose();
    return reply.type(type).send(text);
  });
}
