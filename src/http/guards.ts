import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Config } from '../config/config.ts';
import { ProblemError } from '../problems/problems.ts';
import { answerOnSocket } from './client-error.ts';
import { limitPipelining } from './connections.ts';
import { hostGuard } from './hosts.ts';
import { refuseOtherSites } from './other-sites.ts';
import { boundRestOfBodies } from './rest-of-body.ts';
import { pathGuard } from './unknown-paths.ts';

/** Refuses requests that no client should send, whatever their operation, before any other check. */
export function guardRequests(app: FastifyInstance, config: Config): void {
  const { server } = app;
  const checkHost = hostGuard(config);
  const checkPath = pathGuard(app);
  limitPipelining(server);
  app.addHook('onRequest', async (request, reply) => {
    // More requests of a connection that has been closed can be in the bytes that were read already.
    if (request.raw.socket.destroyed) return reply.hijack();
    reply.header('x-request-id', request.id);
    checkExpectation(request);
    checkHost(request);
    refuseOtherSites(request);
    // This comes before any check of the body: a wrong path is the more useful error.
    checkPath(request, reply);
    checkCoding(request);
  });
  // Node would respond to these two itself, without a problem document.
  server.on('checkExpectation', (request, response) => server.emit('request', request, response));
  server.on('connect', (_, socket) => {
    const detail = 'The service is not a proxy and does not support CONNECT.';
    answerOnSocket(new ProblemError('method-not-allowed', detail), socket);
  });
  boundRestOfBodies(server);
}

/** @throws ProblemError expectation-failed */
function checkExpectation({ headers: { expect } }: FastifyRequest): void {
  if (expect === undefined || expect.toLowerCase() === '100-continue') return;
  throw new ProblemError('expectation-failed', 'Leave the `Expect` header out, or send `Expect: 100-continue`.');
}

/** @throws ProblemError unsupported-media-type */
function checkCoding({ headers }: FastifyRequest): void {
  const coding = headers['content-encoding'] ?? 'identity';
  if (coding.toLowerCase() === 'identity') return;
  const detail = 'Compressed bodies are not supported. Send the body without `Content-Encoding`.';
  throw new ProblemError('unsupported-media-type', detail);
}
