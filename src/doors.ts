import type { Socket } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { answerOnSocket } from './client-error.ts';
import type { Config } from './config.ts';
import { hostGuard } from './hosts.ts';
import { refuseOtherSites } from './other-sites.ts';
import { ProblemError } from './problems.ts';
import { boundRestOfBodies } from './rest-of-body.ts';

/** Refuses requests that no client should send to any path, before any other check. */
export function guardDoors(app: FastifyInstance, config: Config): void {
  const { server } = app;
  const checkHost = hostGuard(config);
  app.addHook('onRequest', async (request) => {
    const { expect } = request.headers;
    if (expect !== undefined && expect.toLowerCase() !== '100-continue')
      throw new ProblemError('expectation-failed', 'Leave the `Expect` header out, or send `Expect: 100-continue`.');
    checkHost(request);
    refuseOtherSites(request);
  });
  // Node would respond to these two itself, without a problem document.
  server.on('checkExpectation', (request, response) => server.emit('request', request, response));
  server.on('connect', (_, socket) => {
    const detail = 'The service is not a proxy and does not support CONNECT.';
    answerOnSocket(new ProblemError('method-not-allowed', detail), socket as Socket);
  });
  boundRestOfBodies(server);
}
