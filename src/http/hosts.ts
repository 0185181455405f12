import { isIP } from 'node:net';
import { hostname } from 'node:os';
import type { FastifyRequest } from 'fastify';
import { allowedNames } from '../config/allowed-hosts.ts';
import type { Config } from '../config/config.ts';
import { ProblemError } from '../problems/problems.ts';

/** A valid Host header: an IPv6 address in brackets, or a name or IPv4 address; then a port, if any. */
const AUTHORITY = /^(?:\[([0-9a-f:.]+)\]|([^:[\]@/\\\s,]+))(?::\d{1,5})?$/i;

/** Names that no public DNS server resolves: names without a dot, and names with a private ending. */
const PRIVATE = /^[^.]+$|\.(internal|local|svc|home\.arpa)$/;

/** Versions of HTTP that have no Host header. */
const WITHOUT_HOST = ['0.9', '1.0'];

/**
 * Creates a function that refuses requests to host names that do not belong to this service. The check prevents DNS
 * rebinding: the owner of a web page moves the page's name to this machine's address, and a browser then treats the service
 * as part of that page. Only the host name shows the difference.
 *
 * IP addresses and `localhost` need no DNS and are always accepted. The same holds for the machine's name, the name in HOST, and the names
 * in ALLOWED_HOSTS. If the service listens on more than loopback, it also accepts names that only its own network can assign,
 * as container networks and clusters do: an attacker who controls those reaches the service without a browser. If keys are
 * required and ALLOWED_HOSTS is empty, every name is accepted: another site's page has no key.
 * @returns a function that throws ProblemError malformed-http or forbidden-host
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
    const named = /^[\w.-]{1,253}$/.test(host) ? `the host name \`${host}\`` : 'this host name';
    const detail = `The service does not accept ${named}. Use its IP address or \`localhost\`, or ask the operator to add the name to ALLOWED_HOSTS.`;
    throw new ProblemError('forbidden-host', detail);
  };
}

/**
 * The host name or address that the request is sent to, in lower case, without its port; undefined if the version of HTTP
 * does not require one.
 * @throws ProblemError malformed-http
 */
function hostOf({ raw }: FastifyRequest): string | undefined {
  const fields = raw.rawHeaders.filter((name, place) => place % 2 === 0 && name.toLowerCase() === 'host').length;
  if (fields > 1) throw new ProblemError('malformed-http', 'There is more than one `Host` header. Send one.');
  const host = /^https?:\/\/([^/?#]*)/i.exec(raw.url ?? '')?.[1] ?? raw.headers.host;
  if (host === undefined) {
    if (WITHOUT_HOST.includes(raw.httpVersion)) return undefined;
    throw new ProblemError(
      'malformed-http',
      'The `Host` header is missing. Send `Host:` with the host name of the URL.',
    );
  }
  const [, six, name] = AUTHORITY.exec(host) ?? [];
  const found = six ?? name?.replace(/\.$/, '');
  if (!found) throw new ProblemError('malformed-http', 'The `Host` header is not a host name or IP address.');
  return found.toLowerCase();
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\./.test(host);
}
