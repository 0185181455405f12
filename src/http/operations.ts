import type { FastifyInstance } from 'fastify';
import { requireKeys } from './authentication.ts';
import type { Service } from './service.ts';
import { admitUploads } from './uploads.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The request header on which the response depends. Problems say so, too. */
    vary?: string;
  }
}

/**
 * Makes a scope for operations. Before the handler of a route runs, its key is checked, then its upload is admitted. A new route is
 * closed unless it says otherwise.
 */
export function protectOperations(
  scope: FastifyInstance,
  service: Pick<Service, 'config' | 'engine' | 'admission'>,
): void {
  scope.addHook('onRequest', async (request, reply) => {
    const { vary } = request.routeOptions.config;
    if (vary) reply.header('vary', vary);
  });
  requireKeys(scope, service.config.tenants);
  admitUploads(scope, service);
}
