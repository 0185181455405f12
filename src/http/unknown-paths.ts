import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { ProblemError } from '../problems/problems.ts';

/**
 * Creates a function that refuses requests to paths that do not exist, and methods that a path does not support. The second
 * problem names the methods that it supports. Routes that find no file respond in the same way.
 * @returns a function that throws ProblemError not-found or method-not-allowed
 */
export function pathGuard(app: FastifyInstance): (request: FastifyRequest, reply: FastifyReply) => void {
  function refuse(request: FastifyRequest, reply: FastifyReply): never {
    const allowed = methodsAt(app, request.url);
    if (allowed.length === 0) throw new ProblemError('not-found', 'Nothing exists at this path. See /docs.');
    reply.header('allow', allowed.join(', '));
    const detail = `This path does not support ${request.method}. It supports: ${allowed.join(', ')}.`;
    throw new ProblemError('method-not-allowed', detail);
  }
  app.setNotFoundHandler(refuse);
  return (request, reply) => {
    if (request.is404) refuse(request, reply);
  };
}

/** The methods that a path supports; none if nothing exists there. No path of the contract has parameters. */
function methodsAt(app: FastifyInstance, url: string): string[] {
  const [path = ''] = url.split('?');
  return app.supportedMethods.filter((method) => app.hasRoute({ method, url: path }));
}
