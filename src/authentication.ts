import { createHash, timingSafeEqual } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import { ProblemError } from './problems.ts';

/** The one tenant of a service that asks for no key. */
const EVERYBODY = 'everybody';

/**
 * Makes a function that finds out whose request it is, from `Authorization: Bearer KEY`.
 * @param tenants name by key; empty lets everybody in
 */
export function authenticator(tenants: ReadonlyMap<string, string>): (request: FastifyRequest) => string {
  const digest = (key: string) => createHash('sha256').update(key).digest();
  const known = [...tenants].map(([key, name]) => ({ name, digest: digest(key) }));
  return (request) => {
    if (known.length === 0) return EVERYBODY;
    const offered = digest(/^Bearer (.+)$/i.exec(request.headers.authorization ?? '')?.[1] ?? '');
    const tenant = known.find((entry) => timingSafeEqual(entry.digest, offered));
    if (!tenant) throw new ProblemError('unauthorized', 'Send your key as `Authorization: Bearer KEY`.');
    return tenant.name;
  };
}
