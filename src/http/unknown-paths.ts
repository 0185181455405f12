import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { ProblemError } from '../problems/problems.ts';

/**
 * Creates a function that refuses requests to paths that do not exist, and methods that a path does not support. The second
 * problem names the methods that it supports. Routes that find no file respond in the same way.
 * @returns a function that throws ProblemError not-found or method-not-allowed
 */
export function pathGuard(app: FastifyInstance): (request: FastifyRequest, reply: FastifyReply) => void {
  const methods = methodsByPath(app);

  function refuse(request: FastifyRequest, reply: FastifyReply): never {
    const [path = ''] = request.url.split('?');
    const at = methods.get(path);
    const allowed = app.supportedMethods.filter((method) => at?.has(method));
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

/**
 * Collects the methods of every path while routes are added. The router itself would read a caller's path as a pattern.
 * Patterns are left out: no path of the contract has parameters.
 */
function methodsByPath(app: FastifyInstance): Map<string, Set<string>> {
  const methods = new Map<string, Set<string>>();
  app.addHook('onRoute', ({ url, method }) => {
    if (/[:*]/.test(url)) return;
    const known = methods.get(url) ?? new Set();
    for (const each of [method].flat()) known.add(each);
    methods.set(url, known);
  });
  return methods;
}
