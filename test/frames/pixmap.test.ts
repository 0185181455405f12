import t from 'tap';
import { pixmap } from '../../src/frames/pixmap.ts';

t.test('a portable pixmap has its width, its height and plain pixels, in memory of its own', async (t) => {
  const pixels = Uint8Array.from({ length: 3 * 2 * 3 }, (_, i) => i);
  const file = pixmap(pixels, { width: 3, height: 2 });
  t.equal(file.subarray(0, -pixels.length).toString('latin1'), 'P6\n3 2\n255\n');
  t.strictSame(new Uint8Array(file.subarray(-pixels.length)), pixels);
  // The worker releases the memory of a file: it must not be that of other buffers.
  t.equal(file.buffer.byteLength, file.length);
});
