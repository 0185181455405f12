/** Types of PNG chunks. */
const [IDAT, ACTL, FCTL] = [0x49444154, 0x6163544c, 0x6663544c];

/**
 * Counts the images in a PNG file, as Pillow does. libvips loads the first image and does not report the others.
 * Format: PNG (third edition) 11.3.6. The acTL chunk precedes the pixels and gives the number of animation frames. If
 * no fcTL chunk precedes the pixels, the default image is not one of them.
 */
export function pngPictures(file: Buffer): number {
  let animated = 0;
  let ordinary = 1;
  for (let at = 8; at + 12 <= file.length; at += 12 + file.readUInt32BE(at)) {
    const type = file.readUInt32BE(at + 4);
    if (type === IDAT) break;
    if (type === ACTL) animated = file.readUInt32BE(at + 8);
    if (type === FCTL) ordinary = 0;
  }
  return animated > 0 ? animated + ordinary : 1;
}
