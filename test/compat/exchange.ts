import type { FastifyInstance, InjectOptions } from 'fastify';
import type { Test } from 'tap';
import type { Engine } from '../../src/engine/engine.ts';
import type { Answer } from '../support/answers.ts';
import { buildTestApp } from '../support/app.ts';
import { readiness } from '../support/readiness.ts';

/** What a caller receives, without what differs each time. */
export interface Exchange {
  status: number;
  headers: Record<string, unknown>;
  /** a JSON document, the lines of a response in lines, or a text */
  body: unknown;
}

/** Headers of the connection, and those that follow from the time or from the length of masked members. */
const LEFT_OUT = ['connection', 'content-length', 'date', 'keep-alive', 'transfer-encoding'];

/** Headers whose values differ each time, or with each change of a file. */
const MASKED_HEADERS = ['etag', 'last-modified', 'x-request-id'];

/** Members whose values differ each time, or with the machine: the request's id, durations, and the version of ffmpeg. */
const MASKED_MEMBERS = ['instance', 'queued_ms', 'decoding_ms', 'engine_ms', 'decoder'];

const MASK = '…';

/**
 * Starts a service with these tenants.
 * @param ready status of /health/ready to wait for
 */
export async function serve(
  t: Test,
  engine: Engine,
  tenants: string[],
  settings: Record<string, string | number> = {},
  ready = 200,
): Promise<FastifyInstance> {
  const keys = tenants.map((tenant) => `${tenant}=${keyOf(tenant)}`);
  const app = await buildTestApp(t, { API_KEYS: keys.join(), ALLOWED_HOSTS: '.local', ...settings }, engine);
  await readiness(app, ready);
  return app;
}

/**
 * Sends requests, one after another.
 * @param tenant engines share nothing between tenants, so requests of other tenants do not change the responses
 * @returns the responses, by the same names
 */
export async function responsesTo(
  app: FastifyInstance,
  tenant: string,
  requests: Readonly<Record<string, InjectOptions>>,
): Promise<Record<string, Exchange>> {
  const found: Record<string, Exchange> = {};
  for (const [name, request] of Object.entries(requests)) {
    const headers = { ...request.headers, authorization: `Bearer ${keyOf(tenant)}` };
    found[name] = await exchange(app, { ...request, headers });
  }
  return found;
}

/** The key of a tenant. */
export const keyOf = (tenant: string) => `key-of-the-tenant-${tenant}`;

/** Sends a request to the service. */
export async function exchange(app: FastifyInstance, request: InjectOptions): Promise<Exchange> {
  return exchangeOf(await app.inject(request));
}

/** A response, without what differs each time. */
export function exchangeOf({ statusCode, headers, body }: Answer): Exchange {
  const kept = Object.entries(headers).filter(([name]) => !LEFT_OUT.includes(name));
  return {
    status: statusCode,
    headers: Object.fromEntries(
      kept.map(([name, value]) => [name, MASKED_HEADERS.includes(name) ? MASK : value] as const).sort(byName),
    ),
    body: masked(parsed(String(headers['content-type']), body)),
  };
}

const byName = ([one]: readonly [string, unknown], [other]: readonly [string, unknown]) => (one < other ? -1 : 1);

function parsed(type: string, body: string): unknown {
  if (type.includes('ndjson')) return linesOf(body);
  return type.includes('json') ? JSON.parse(body) : body;
}

/** The lines of a response. Lines of prefixes and of episodes are sent as soon as they are known, so they are sorted. */
function linesOf(body: string): unknown[] {
  const lines: Line[] = body
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  const last = lines.pop();
  return [...lines.sort((one, other) => numberOf(one) - numberOf(other)), last];
}

/** A line of a batch has an index, that of a prefix a length. */
interface Line {
  index?: number;
  length?: number;
}

const numberOf = ({ index, length }: Line) => index ?? length ?? 0;

function masked(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(masked);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => {
      if (MASKED_MEMBERS.includes(name)) return [name, MASK];
      return name === 'service' ? [name, { ...member, version: MASK }] : [name, masked(member)];
    }),
  );
}
