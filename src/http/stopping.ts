import type { FastifyInstance } from 'fastify';

/**
 * Closes connections that are busy when the service stops, after their response. Otherwise they would stay open, idle, for their
 * keep-alive time.
 */
export function closeWhenStopping(app: FastifyInstance): void {
  let stopping = false;
  app.addHook('preClose', async () => {
    stopping = true;
    // A response in lines may have sent its headers already, so the server also closes idle connections early (Node adds 1 s).
    app.server.keepAliveTimeout = 1;
  });
  app.addHook('onSend', async (_request, reply) => {
    if (stopping) reply.header('connection', 'close');
  });
}
