import t from 'tap';
import { createThrottle } from '../../src/http/throttle.ts';

/** Sends wrong keys. @returns for each key, how many seconds the client must wait */
function send(throttle: ReturnType<typeof createThrottle>, address: string, times: number): number[] {
  return Array.from({ length: times }, () => throttle.wrongKey(address));
}

t.test('after 20 wrong keys in one minute a client waits until the minute is over', async (t) => {
  let now = 1000;
  const throttle = createThrottle(() => now);
  t.strictSame(send(throttle, '10.0.0.1', 20), new Array(20).fill(0));
  t.equal(throttle.wrongKey('10.0.0.1'), 60);
  now += 59_500;
  t.equal(throttle.wrongKey('10.0.0.1'), 1, 'further wrong keys do not restart the minute');
  now += 500;
  t.strictSame(send(throttle, '10.0.0.1', 20), new Array(20).fill(0), 'a new minute');
  t.equal(throttle.wrongKey('10.0.0.1'), 60);
});

t.test('each IPv4 address and each IPv6 /64 network has its own count', async (t) => {
  const throttle = createThrottle(() => 0);
  send(throttle, '10.0.0.1', 30);
  t.equal(throttle.wrongKey('10.0.0.2'), 0);
  t.equal(throttle.wrongKey('::ffff:10.0.0.1'), 60, 'the same address as a listener on :: reports it');
  t.equal(throttle.wrongKey('::ffff:10.0.0.3'), 0);
  send(throttle, '2001:db8:1:2:3:4:5:6', 30);
  t.equal(throttle.wrongKey('2001:db8:1:2::9'), 60);
  t.equal(throttle.wrongKey('2001:db8:1:3::9'), 0);
  send(throttle, '2001:db8::1', 30);
  t.equal(throttle.wrongKey('2001:db8::2'), 60);
  t.equal(throttle.wrongKey('2001:db9::2'), 0);
});

t.test('it remembers the latest 5,000 addresses, and only a few more', async (t) => {
  const throttle = createThrottle(() => 0);
  const others = (count: number) => {
    for (let i = 0; i < count; i += 1) throttle.wrongKey(`10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`);
  };
  others(3_000);
  send(throttle, '9.9.9.9', 30);
  others(5_000);
  t.equal(throttle.wrongKey('9.9.9.9'), 60);
  others(1_000_000);
  t.equal(throttle.wrongKey('9.9.9.9'), 0, 'forgotten');
});
