import type { FastifyRequest } from 'fastify';
import { ProblemError } from '../problems/problems.ts';

/**
 * Refuses requests that a web page of another origin makes a browser send (cross-site request forgery). Programs send neither
 * of the two headers, so they are not affected. Pages of the same site but another origin, such as another port of this machine,
 * are refused too: the service has no CORS, so only its own pages can read its responses. Links from any page to the pages of
 * the service work.
 * @throws ProblemError cross-site-request
 */
export function refuseOtherSites(request: FastifyRequest): void {
  if (isOwn(request) || isLink(request)) return;
  const detail =
    'A web page of another origin (site or port) made the browser send this request. Call the service from its own pages, or from a program.';
  throw new ProblemError('cross-site-request', detail);
}

function isOwn({ headers }: FastifyRequest): boolean {
  const site = headers['sec-fetch-site'];
  if (site !== undefined) return site === 'same-origin' || site === 'none';
  // Browsers send Sec-Fetch-Site only over https and to loopback addresses. They always send the Origin of a POST.
  const { origin } = headers;
  return origin === undefined || (URL.canParse(origin) && new URL(origin).host === headers.host?.toLowerCase());
}

/** Whether a user follows a link to a page, not to an operation of the API. */
function isLink({ method, headers, routeOptions }: FastifyRequest): boolean {
  const { operationId } = routeOptions.schema ?? {};
  return method === 'GET' && headers['sec-fetch-mode'] === 'navigate' && operationId === undefined;
}
