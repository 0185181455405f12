import type { FastifyRequest } from 'fastify';
import { ProblemError } from './problems.ts';

/**
 * Refuses what a web page of another origin makes a browser send (cross-site request forgery). Programs send neither of the
 * two headers and are not meant. A page of the same site, another port of this machine for one, is refused like any other: the
 * service has no CORS, so nothing but its own pages has use for its answers. Links from anywhere to a page of the service are
 * followed.
 * @throws ProblemError cross-site-request
 */
export function refuseOtherSites(request: FastifyRequest): void {
  if (isOwn(request) || isLink(request)) return;
  const detail =
    'A page of another site has made the browser send this. Call the service from its own pages, or from a program.';
  throw new ProblemError('cross-site-request', detail);
}

function isOwn({ headers }: FastifyRequest): boolean {
  const site = headers['sec-fetch-site'];
  if (site !== undefined) return site === 'same-origin' || site === 'none';
  // Browsers send Sec-Fetch-Site over https and to loopback only, the Origin of a POST everywhere.
  const { origin } = headers;
  return origin === undefined || (URL.canParse(origin) && new URL(origin).host === headers.host?.toLowerCase());
}

/** Whether somebody follows a link to one of the pages, not to an operation of the API. */
function isLink({ method, headers, routeOptions }: FastifyRequest): boolean {
  const { operationId } = (routeOptions.schema ?? {}) as { operationId?: string };
  return method === 'GET' && headers['sec-fetch-mode'] === 'navigate' && operationId === undefined;
}
