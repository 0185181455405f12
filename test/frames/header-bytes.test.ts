import sharp from 'sharp';
import t from 'tap';
import { headerBytes } from '../../src/frames/header-bytes.ts';

function picture(shade: number, size = { width: 40, height: 30 }) {
  const noise = Buffer.from(
    Uint8Array.from({ length: size.width * size.height * 3 }, (_, i) => (shade + i * i * 31) % 256),
  );
  return sharp(noise, { raw: { ...size, channels: 3 } });
}

const jpeg = (shade: number, quality: number, optimiseCoding: boolean) =>
  picture(shade).jpeg({ quality, optimiseCoding }).toBuffer();

const same = (a: Buffer, b: Buffer) => headerBytes(a)?.equals(headerBytes(b) ?? Buffer.alloc(0)) ?? false;

t.test('JPEG files that differ in their tables and pixels have the same header', async (t) => {
  const file = await jpeg(1, 95, false);
  for (const other of [await jpeg(2, 95, false), await jpeg(3, 95, true), await jpeg(1, 60, true)])
    t.ok(same(file, other));
});

t.test('JPEG files with another size, colour space, orientation or coding have another header', async (t) => {
  const file = await jpeg(1, 95, false);
  const others = {
    size: await picture(1, { width: 30, height: 40 }).jpeg().toBuffer(),
    grey: await picture(1).toColourspace('b-w').jpeg().toBuffer(),
    cmyk: await picture(1).toColourspace('cmyk').jpeg().toBuffer(),
    rotated: await picture(1).withMetadata({ orientation: 6 }).jpeg().toBuffer(),
    progressive: await picture(1).jpeg({ progressive: true }).toBuffer(),
    sampled: await picture(1).jpeg({ chromaSubsampling: '4:4:4' }).toBuffer(),
  };
  for (const [what, other] of Object.entries(others)) t.notOk(same(file, other), what);
});

t.test('PNG files have the same header if and only if their pixel format is the same', async (t) => {
  const file = await picture(1).png().toBuffer();
  t.ok(same(file, await picture(2).png().toBuffer()));
  t.notOk(same(file, await picture(1).ensureAlpha(0.5).png().toBuffer()));
  t.notOk(same(file, await picture(1).toColourspace('b-w').png().toBuffer()));
  t.notOk(same(file, await picture(1).png({ palette: true }).toBuffer()));
});

t.test('other formats, truncated files and files with an endless header return undefined', async (t) => {
  const file = await jpeg(1, 95, false);
  const start = (headerBytes(file) as Buffer).length;
  t.ok(start > 20);
  for (const length of [0, 1, 11, 12, 20, 100]) t.equal(headerBytes(file.subarray(0, length)), undefined, `${length}`);
  t.equal(headerBytes(await picture(1).webp().toBuffer()), undefined);
  t.equal(headerBytes(Buffer.from('GIF89a and more than that')), undefined);
  const comment = Buffer.from([0xff, 0xfe, 0, 2]);
  const long = Buffer.concat([
    Buffer.from([0xff, 0xd8, 0xff, 0xfe, 0xff, 0xff]),
    Buffer.alloc(0xfffd),
    file.subarray(2),
  ]);
  t.equal(headerBytes(long), undefined, 'a comment of 64 KiB');
  const endless = Buffer.concat([Buffer.from([0xff, 0xd8]), ...Array.from({ length: 5000 }, () => comment), file]);
  t.equal(headerBytes(endless), undefined);
});
