import type { Socket } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { answerOnSocket } from './client-error.ts';
import type { Config } from './config.ts';
import { hostGuard } from './hosts.ts';
import { refuseOtherSites } from './other-sites.ts';
import { ProblemError } from './problems.ts';
import { boundRestOfBodies } from './rest-of-body.ts';

/** Refuses requests that nobody should send, whatever they ask for, before anything else looks at them. */
export function guardDoors(app: FastifyInstance, config: Config): void {
  const { server } = app;
  const checkHost = hostGuard(config);
  app.addHook('onRequest', async (request) => {
    const { expect } = request.headers;
    if (expect !== undefined && expect.toLowerCase() !== '100-continue')
      throw new ProblemError('expectation-failed', 'Leave the Expect header out, or send `100-continue`.');
    checkHost(request);
    refuseOtherSites(request);
  });
  // Node would answer these two itself, without a problem.
  server.on('checkExpectation', (request, response) => server.emit('request', request, response));
  server.on('connect', (_, socket) => {
    answerOnSocket(new ProblemError('method-not-allowed', 'The service is no proxy.'), socket as Socket);
  });
  boundRestOfBodies(server);
}
