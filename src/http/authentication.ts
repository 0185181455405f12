import { createHash, timingSafeEqual } from 'node:crypto';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { ProblemError } from '../problems/problems.ts';
import { createThrottle } from './throttle.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The operation requires no key. */
    open?: boolean;
  }
  interface FastifyRequest {
    /** owner of the request, in a scope that requires keys; empty if the operation is open */
    tenant: string;
  }
}

/** The tenant of all requests if the service requires no key. */
const EVERYBODY = 'everybody';

/**
 * Requires a key for every route of a scope, before anything else is checked, and sets `request.tenant`. A route requires no key
 * only if it says so: `config: { open: true }`.
 * @param tenants names by key; if it is empty, no key is required
 */
export function requireKeys(scope: FastifyInstance, tenants: ReadonlyMap<string, string>): void {
  const tenantOf = authenticator(tenants);
  scope.decorateRequest('tenant', '');
  scope.addHook('onRequest', async (request) => {
    if (!request.routeOptions.config.open) request.tenant = tenantOf(request);
  });
}

/**
 * Creates a function that finds the tenant of a request by its header `Authorization: Bearer KEY`. An address that sends too
 * many wrong keys has to wait. Correct keys from this address are still accepted, because a complete fleet can share it.
 * @returns a function that returns the tenant's name, or throws ProblemError unauthorized or too-many-wrong-keys
 */
function authenticator(tenants: ReadonlyMap<string, string>): (request: FastifyRequest) => string {
  const digest = (key: string) => createHash('sha256').update(key).digest();
  const known = [...tenants].map(([key, name]) => ({ name, digest: digest(key) }));
  const throttle = createThrottle();
  return (request) => {
    if (known.length === 0) return EVERYBODY;
    const { authorization } = request.headers;
    const offered = digest(/^Bearer (.+)$/i.exec(authorization ?? '')?.[1] ?? '');
    const tenant = known.find((entry) => timingSafeEqual(entry.digest, offered));
    if (tenant) return tenant.name;
    // A request without a key is not a guess: browsers first send one without it.
    const wait = authorization === undefined ? 0 : throttle.wrongKey(request.ip);
    if (wait === 0) throw new ProblemError('unauthorized', 'Send a valid API key as `Authorization: Bearer KEY`.');
    const detail = `Too many wrong keys arrived from this address. Correct the key and try again in ${wait} s.`;
    throw new ProblemError('too-many-wrong-keys', detail, { retry_after_s: wait });
  };
}
