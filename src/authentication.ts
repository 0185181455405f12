import { createHash, timingSafeEqual } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import { ProblemError } from './problems.ts';
import { createThrottle } from './throttle.ts';

/** The one tenant of a service that asks for no key. */
const EVERYBODY = 'everybody';

/**
 * Makes a function that finds out whose request it is, from `Authorization: Bearer KEY`. An address that sends too many wrong
 * keys is told to wait; right keys from there are taken all the same: behind one address may stand a whole fleet.
 * @param tenants name by key; empty lets everybody in
 * @returns throws ProblemError unauthorized, too-many-wrong-keys
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
    // Who sends no key has not guessed one: a browser asks without first.
    const wait = authorization === undefined ? 0 : throttle.wrongKey(request.ip);
    if (wait === 0) throw new ProblemError('unauthorized', 'Send your key as `Authorization: Bearer KEY`.');
    const detail = `Too many wrong keys have come from this address. Correct the key and try again in ${wait} s.`;
    throw new ProblemError('too-many-wrong-keys', detail, { retry_after_s: wait });
  };
}
