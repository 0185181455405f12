import type { FastifyInstance } from 'fastify';
import { problems } from '../src/http/responses.ts';
import type { Service } from '../src/http/service.ts';

const EXAMPLE = `# HELP topreward_episodes_active Requests that are being processed.
# TYPE topreward_episodes_active gauge
topreward_episodes_active 3
`;

const schema = {
  operationId: 'getMetrics',
  summary: 'Get metrics',
  description: 'Metrics of the service in the Prometheus text format.',
  tags: ['service'],
  security: [],
  response: {
    200: {
      description: 'Text in the Prometheus format.',
      content: {
        'text/plain': {
          schema: { type: 'string' },
          examples: { metrics: { summary: 'One metric', value: EXAMPLE } },
        },
      },
    },
    ...problems(),
  },
};

/** Adds the metrics for Prometheus: `GET /metrics`. They need no key. */
export async function metricsRoute(app: FastifyInstance, { metrics }: Service): Promise<void> {
  app.get('/metrics', { schema, logLevel: 'warn' }, async (_request, reply) => {
    const { type, text } = await metrics.expose();
    return reply.type(type).send(text);
  });
}
