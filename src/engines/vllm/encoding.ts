import { lookup } from 'node:dns/promises';
import { BlockList } from 'node:net';
import type { AviEncoding } from '../../frames/avi-frame.ts';

/** The configured encoding of frames for vLLM. `auto` decides by the address of vLLM. */
export type EncodingChoice = 'auto' | AviEncoding;

const LOOKUP_MS = 5_000;

/** Loopback addresses (RFC 1122, RFC 4291) and private networks (RFC 1918, RFC 4193). */
const NEAR = new BlockList();
NEAR.addSubnet('127.0.0.0', 8);
NEAR.addSubnet('10.0.0.0', 8);
NEAR.addSubnet('172.16.0.0', 12);
NEAR.addSubnet('192.168.0.0', 16);
NEAR.addAddress('::1', 'ipv6');
NEAR.addSubnet('fc00::', 7, 'ipv6');

/**
 * Chooses the encoding of frames. Uncompressed frames need the least CPU on both sides but about 1.5 times as many
 * bytes as PNG, so they suit an engine that is near. `auto` treats an engine as near if every address of its host name
 * is a loopback or private address.
 * @param url address of the engine
 * @returns for `auto`: `raw` if the engine is near, otherwise `png`, also if the lookup fails
 */
export async function chooseEncoding(
  choice: EncodingChoice,
  url: string,
  { signal, patienceMs = LOOKUP_MS, lookUp = (name) => lookup(name, { all: true }) }: LookUpOptions = {},
): Promise<AviEncoding> {
  if (choice !== 'auto') return choice;
  const name = new URL(url).hostname.replace(/^\[|\]$/g, '');
  const late = AbortSignal.any([AbortSignal.timeout(patienceMs), ...(signal ? [signal] : [])]);
  const addresses = await addressesOf(() => lookUp(name), late);
  return addresses.length > 0 && addresses.every(isNear) ? 'raw' : 'png';
}

interface Address {
  address: string;
  family: number;
}

/** How to look up the engine's addresses. */
interface LookUpOptions {
  signal?: AbortSignal;
  /** timeout of the lookup, ms */
  patienceMs?: number;
  /** finds all addresses of a host name */
  lookUp?: (name: string) => Promise<Address[]>;
}

function isNear({ address, family }: Address): boolean {
  return NEAR.check(address, family === 6 ? 'ipv6' : 'ipv4');
}

/** @returns an empty list if the lookup fails or the signal aborts first */
async function addressesOf(lookUp: () => Promise<Address[]>, late: AbortSignal): Promise<Address[]> {
  const aborted = new Promise<Address[]>((resolve) => {
    if (late.aborted) resolve([]);
    late.addEventListener('abort', () => resolve([]), { once: true });
  });
  return Promise.race([lookUp().catch(() => []), aborted]);
}
