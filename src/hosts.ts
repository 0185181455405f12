import { isIP } from 'node:net';
import { hostname } from 'node:os';
import type { FastifyRequest } from 'fastify';
import type { Config } from './config.ts';
import { ProblemError } from './problems.ts';

/** What a Host header may be: an IPv6 address in brackets, or a name or IPv4 address; then a port. */
const AUTHORITY = /^(?:\[([0-9a-f:.]+)\]|([^:[\]@/\\\s,]+))(?::\d{1,5})?$/i;

/** Names that no public DNS server gives an address to: those without a dot, and those with a private ending. */
const PRIVATE = /^[^.]+$|\.(internal|local|svc|home\.arpa)$/;

/** Earlier versions of HTTP have no Host header. */
const WITHOUT_HOST = ['0.9', '1.0'];

/**
 * Makes a function that refuses requests to names which are not this service's own. A web page whose name its owner's DNS
 * server moves to this machine's address (DNS rebinding) is, to a browser, the service's own page: only its name gives it away.
 *
 * IP addresses and `localhost` need no DNS and are always let through; so are the machine's name, the name in HOST and
 * ALLOWED_HOSTS. Where the service listens on more than loopback, names are let through that only its own network can give
 * out, as container networks and clusters do; whoever controls those reaches the service without a browser. Where it asks for
 * keys and ALLOWED_HOSTS is empty, every name is let through: a foreign page has no key.
 * @returns throws ProblemError malformed-http, forbidden-host
 */
export function hostGuard(
  config: Pick<Config, 'HOST' | 'ALLOWED_HOSTS' | 'tenants'>,
): (request: FastifyRequest) => void {
  const allowed = allowedNames(config.ALLOWED_HOSTS);
  const own = new Set(['localhost', hostname().toLowerCase(), config.HOST.toLowerCase()]);
  const checksNone = allowed.includes('*') || (config.tenants.size > 0 && allowed.length === 0);
  const isLocalOnly = isLoopback(config.HOST);
  const isOurs = (name: string) =>
    isIP(name) !== 0 ||
    own.has(name) ||
    (!isLocalOnly && PRIVATE.test(name)) ||
    allowed.some((each) => (each.startsWith('.') ? name.endsWith(each) : name === each));
  return (request) => {
    const host = hostOf(request);
    if (host === undefined || checksNone || isOurs(host)) return;
    const named = /^[\w.-]{1,253}$/.test(host) ? ` \`${host}\`` : '';
    const detail = `The service is not known as${named}. Use its IP address or \`localhost\`, or let the operator add the name to ALLOWED_HOSTS.`;
    throw new ProblemError('forbidden-host', detail);
  };
}

/** Names of ALLOWED_HOSTS in lower case; one that begins with a dot stands for all names that end so. */
export function allowedNames(text: string): string[] {
  const names = text.split(',').map((name) => name.trim().toLowerCase());
  return names.filter((name) => name !== '');
}

/**
 * The name or address that the request is sent to, in lower case, without its port; undefined in a version of HTTP that needs
 * none.
 * @throws ProblemError malformed-http
 */
function hostOf({ raw }: FastifyRequest): string | undefined {
  const fields = raw.rawHeaders.filter((name, place) => place % 2 === 0 && name.toLowerCase() === 'host').length;
  if (fields > 1) throw new ProblemError('malformed-http', 'There is more than one Host header. Send one.');
  const host = /^https?:\/\/([^/?#]*)/i.exec(raw.url ?? '')?.[1] ?? raw.headers.host;
  if (host === undefined) {
    if (WITHOUT_HOST.includes(raw.httpVersion)) return undefined;
    throw new ProblemError('malformed-http', 'There is no Host header. Send `Host: ` and the name in the URL.');
  }
  const [, six, name] = AUTHORITY.exec(host) ?? [];
  const found = six ?? name?.replace(/\.$/, '');
  if (!found) throw new ProblemError('malformed-http', 'The Host header is no host name or IP address.');
  return found.toLowerCase();
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\./.test(host);
}
