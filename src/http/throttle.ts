import { isIPv4, isIPv6 } from 'node:net';
import { LRUCache } from 'lru-cache';

/** Wrong keys that one address may send within one window. */
const WRONG_KEYS = 20;
const WINDOW_MS = 60_000;

/** How many addresses are remembered: those that sent a wrong key last. Each takes about 100 bytes. */
const ADDRESSES = 10_000;

interface Window {
  began: number;
  count: number;
}

/** Limits wrong keys. */
interface Throttle {
  /**
   * Counts a wrong key.
   * @returns seconds until the address may try again; 0 if it may try now
   */
  wrongKey(address: string): number;
}

/** Creates a throttle that counts wrong keys by address. Addresses that send correct keys are not stored. @param now clock, ms */
export function createThrottle(now: () => number = () => performance.now()): Throttle {
  const windows = new LRUCache<string, Window>({ max: ADDRESSES });
  return {
    wrongKey(address) {
      const name = networkOf(address);
      const time = now();
      const known = windows.get(name);
      const window = known && time - known.began < WINDOW_MS ? known : { began: time, count: 0 };
      window.count += 1;
      windows.set(name, window);
      return window.count > WRONG_KEYS ? Math.ceil((window.began + WINDOW_MS - time) / 1000) : 0;
    },
  };
}

/** An IPv4 address, or the first 64 bits of an IPv6 address: one customer has all addresses that share them. */
function networkOf(address: string): string {
  const four = address.replace(/^::ffff:/i, '');
  if (isIPv4(four) || !isIPv6(address)) return four;
  const [start = ''] = address.split('::');
  return [...start.split(':'), '0', '0', '0', '0'].slice(0, 4).join(':');
}
