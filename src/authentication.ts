import { createHash, timingSafeEqual } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import { ProblemError } from './problems.ts';
import { createThrottle } from './throttle.ts';

/** The tenant of all requests if the service requires no key. */
const EVERYBODY = 'everybody';

/**
 * Creates a function that finds the tenant of a request by its header `Authorization: Bearer KEY`. An address that sends too
 * many wrong keys has to wait. Correct keys from this address are still accepted, because a complete fleet can share it.
 * @param tenants names by key; if it is empty, no key is required
 * @returns a function that returns the tenant's name, or throws ProblemError unauthorized or too-many-wrong-keys
 */
export function authenticator(tenants: ReadonlyMap<string, string>): (request: FastifyRequest) => string {
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
