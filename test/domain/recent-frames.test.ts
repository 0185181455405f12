import t from 'tap';
import { createRecentFrameCache } from '../../src/frames/recent-frames.ts';
import type { UploadedFrame } from '../../src/frames/uploaded-frame.ts';

const frame = (bytes = 10): UploadedFrame => ({
  bytes: Buffer.alloc(bytes),
  kind: 'file',
  size: { width: 1, height: 1 },
  place: {},
});

t.test('a tenant that sends many frames evicts its own frames, not those of another tenant', async (t) => {
  const memory = createRecentFrameCache(100);
  const [alice, bob] = [memory.of('alice'), memory.of('bob')];
  for (const digest of ['b1', 'b2', 'b3']) bob.keep(digest, frame());
  for (let i = 0; i < 50; i += 1) alice.keep(`a${i}`, frame());
  t.ok(['b1', 'b2', 'b3'].every((digest) => bob.get(digest)));
  t.same(
    Array.from({ length: 50 }, (_, i) => `a${i}`).filter((digest) => alice.get(digest)),
    ['a43', 'a44', 'a45', 'a46', 'a47', 'a48', 'a49'],
  );
  t.equal(memory.bytes(), 100);
});

t.test('recently used frames stay, and a frame that is sent again is stored once', async (t) => {
  const memory = createRecentFrameCache(30);
  const recent = memory.of('alice');
  for (const digest of ['1', '2', '3', '3']) recent.keep(digest, frame());
  t.equal(memory.bytes(), 30);
  recent.get('1');
  recent.keep('4', frame());
  t.same(
    ['1', '2', '3', '4'].filter((digest) => recent.get(digest)),
    ['1', '3', '4'],
  );
  recent.keep('large', frame(31));
  t.notOk(recent.get('large'));
  t.equal(memory.bytes(), 30);
  t.notOk(memory.of('bob').get('1'));
});
