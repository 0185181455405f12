import t from 'tap';
import { chooseEncoding } from '../../../src/engines/vllm/encoding.ts';
import { readiness } from '../../support/readiness.ts';
import { post, startService } from './support.ts';

const NEAR = [
  ...[
    '127.0.0.1',
    '127.200.0.9',
    '10.0.0.1',
    '10.255.255.255',
    '172.16.0.1',
    '172.31.255.1',
    '192.168.7.7',
    'localhost',
  ],
  ...['[::1]', '[fc00::1]', '[fdff::1]', '[::ffff:10.1.2.3]'],
];
const FAR = [
  ...['8.8.8.8', '172.15.0.1', '172.32.0.1', '192.169.0.1', '11.0.0.1', '0.0.0.0'],
  // Link-local addresses and carrier-grade NAT addresses, which tunnels use.
  ...['169.254.1.1', '100.64.0.1', '[fe80::1]'],
  ...['[2001:db8::1]', '[::ffff:8.8.8.8]', '[::]'],
];

t.test('frames are sent uncompressed to loopback and private addresses, and as PNG to all others', async (t) => {
  const choose = (host: string) => chooseEncoding('auto', `http://${host}:8000/path`);
  for (const host of NEAR) t.equal(await choose(host), 'raw', host);
  for (const host of FAR) t.equal(await choose(host), 'png', host);
});

t.test('a host name is near if all its addresses are near, and far if the lookup fails', async (t) => {
  const choose = (...addresses: string[]) =>
    chooseEncoding('auto', 'http://vllm:8000', {
      lookUp: async () => addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
    });
  t.equal(await choose('10.0.0.1', 'fd00::1'), 'raw');
  t.equal(await choose('10.0.0.1', '203.0.113.7'), 'png');
  t.equal(await choose(), 'png');
  const failing = async () => {
    throw new Error('ENOTFOUND');
  };
  t.equal(await chooseEncoding('auto', 'http://vllm:8000', { lookUp: failing }), 'png');
  const never = () => new Promise<never>(() => {});
  // A timeout signal does not keep the process running.
  const held = setTimeout(() => {}, 10_000);
  t.teardown(() => clearTimeout(held));
  t.equal(await chooseEncoding('auto', 'http://vllm:8000', { lookUp: never, patienceMs: 20 }), 'png');
  t.equal(await chooseEncoding('auto', 'http://vllm:8000', { lookUp: never, signal: AbortSignal.abort() }), 'png');
});

t.test('a configured encoding needs no lookup', async (t) => {
  const lookUp = () => t.fail('looked up') as never;
  for (const encoding of ['raw', 'png', 'jpeg'] as const)
    t.equal(await chooseEncoding(encoding, 'http://203.0.113.7:8000', { lookUp }), encoding);
});

for (const [setting, encoding] of [
  ['auto', 'raw'],
  ['raw', 'raw'],
  ['png', 'png'],
  ['jpeg', 'jpeg'],
] as const) {
  t.test(`ENGINE_FRAME_ENCODING=${setting} on this machine: responses and /v1/model report ${encoding}`, async (t) => {
    const { fake, app, address } = await startService(t, {}, { ENGINE_FRAME_ENCODING: setting });
    await readiness(app, 200);
    t.equal((await app.inject('/v1/model')).json().frame_encoding, encoding);
    const { body } = await post(address, 2);
    t.equal(body.provenance.frame_size.encoding, encoding);
    const file = Buffer.from(fake.asked[0]?.items[0]?.data?.split(',')[1] ?? '', 'base64').toString('latin1');
    t.match(file, { raw: '00db', png: 'MPNG', jpeg: 'MJPG' }[encoding]);
  });
}

t.test('the name of a block depends on the encoding', async (t) => {
  const names = new Set<string | undefined>();
  for (const ENGINE_FRAME_ENCODING of ['raw', 'png', 'jpeg']) {
    const { fake, app, address } = await startService(t, {}, { ENGINE_FRAME_ENCODING });
    await readiness(app, 200);
    await post(address, 2);
    names.add(fake.asked[0]?.items[0]?.uuid);
  }
  t.equal(names.size, 3);
});
