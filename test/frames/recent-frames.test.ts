import t from 'tap';
import { createRecentFrameCache } from '../../src/frames/recent-frames.ts';
import type { UploadedFrame } from '../../src/frames/uploaded-frame.ts';

/** A frame that counts with this many bytes, 1,024 of them for the cache itself. */
const frame = (counted = 1034): UploadedFrame => ({
  bytes: Buffer.alloc(counted - 1024),
  kind: 'file',
  size: { width: 1, height: 1 },
  place: {},
});

t.test('a tenant that sends many frames evicts its own frames, not those of another tenant', async (t) => {
  const memory = createRecentFrameCache(10_340);
  const [alice, bob] = [memory.of('alice'), memory.of('bob')];
  for (const digest of ['b1', 'b2', 'b3']) bob.keep(digest, frame());
  for (let i = 0; i < 50; i += 1) alice.keep(`a${i}`, frame());
  t.ok(['b1', 'b2', 'b3'].every((digest) => bob.get(digest)));
  t.same(
    Array.from({ length: 50 }, (_, i) => `a${i}`).filter((digest) => alice.get(digest)),
    ['a43', 'a44', 'a45', 'a46', 'a47', 'a48', 'a49'],
  );
  t.equal(memory.bytes(), 10_340);
});

t.test('recently used frames stay, and a frame that is sent again is stored once', async (t) => {
  const memory = createRecentFrameCache(3102);
  const recent = memory.of('alice');
  for (const digest of ['1', '2', '3', '3']) recent.keep(digest, frame());
  t.equal(memory.bytes(), 3102);
  recent.get('1');
  recent.keep('4', frame());
  t.same(
    ['1', '2', '3', '4'].filter((digest) => recent.get(digest)),
    ['1', '3', '4'],
  );
  recent.keep('large', frame(3103));
  t.notOk(recent.get('large'));
  t.equal(memory.bytes(), 3102);
  t.notOk(memory.of('bob').get('1'));
});
