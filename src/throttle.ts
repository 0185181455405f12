import { isIPv4, isIPv6 } from 'node:net';

/** Wrong keys that one address may send in a window. */
const WRONG_KEYS = 20;
const WINDOW_MS = 60_000;

/** Addresses remembered at once; about 100 bytes each. The oldest makes room. */
const ADDRESSES = 10_000;

interface Window {
  began: number;
  count: number;
}

export interface Throttle {
  /**
   * Counts a wrong key.
   * @returns seconds until the address may try again; 0 while it may
   */
  wrongKey(address: string): number;
}

/** Counts wrong keys by address. Nothing is remembered of addresses that send right ones. @param now ms */
export function createThrottle(now: () => number = () => performance.now()): Throttle {
  const windows = new Map<string, Window>();
  return {
    wrongKey(address) {
      const name = networkOf(address);
      const time = now();
      let window = windows.get(name);
      if (!window || time - window.began >= WINDOW_MS) {
        // Last of all again: the first one in the map is always the oldest.
        windows.delete(name);
        window = { began: time, count: 0 };
        windows.set(name, window);
        const [oldest] = windows.keys();
        if (windows.size > ADDRESSES && oldest !== undefined) windows.delete(oldest);
      }
      window.count += 1;
      return window.count > WRONG_KEYS ? Math.ceil((window.began + WINDOW_MS - time) / 1000) : 0;
    },
  };
}

/** An IPv4 address; of an IPv6 address its first 64 bits, since one customer has all of the others. */
function networkOf(address: string): string {
  const four = address.replace(/^::ffff:/i, '');
  if (isIPv4(four) || !isIPv6(address)) return four;
  const [start = ''] = address.split('::');
  return [...start.split(':'), '0', '0', '0', '0'].slice(0, 4).join(':');
}
