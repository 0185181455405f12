const JPEG_START = 0xffd8;
const PNG_START = 0x89504e47;
/** Markers of JPEG segments: quantization tables, Huffman tables, start of scan. */
const [DQT, DHT, SOS] = [0xffdb, 0xffc4, 0xffda];
const IDAT = 0x49444154;
/** At least this many bytes must follow the start of every segment or chunk, so that its head can be read. */
const LEAST = 12;
/** Limits of a header: segments or chunks, and bytes. Few files have more than ten parts, or more than a kilobyte. */
const MOST_PARTS = 100;
const MOST_BYTES = 16 * 1024;

/**
 * Extracts the part of a JPEG or PNG file that determines its size and kind: everything before the image data. For a
 * JPEG the tables are left out, because they differ from frame to frame. If this part of two files is equal, their
 * headers are equal.
 * @returns undefined for other files, and if this part has an unusual form
 */
export function headerBytes(file: Buffer): Buffer | undefined {
  if (file.length < LEAST) return undefined;
  if (file.readUInt16BE(0) === JPEG_START) return jpegHeader(file);
  return file.readUInt32BE(0) === PNG_START ? pngHeader(file) : undefined;
}

/** Collects the segments up to the start of scan. Format: ISO/IEC 10918-1, B.1 and B.2. */
function jpegHeader(file: Buffer): Buffer | undefined {
  const segments = [];
  let bytes = 0;
  let at = 2;
  for (let count = 0; count < MOST_PARTS && at + LEAST <= file.length; count += 1) {
    const marker = file.readUInt16BE(at);
    const hasLength = marker >= 0xffc0 && marker < 0xffff && (marker < 0xffd0 || marker > 0xffd9);
    if (!hasLength) return undefined;
    const end = at + 2 + file.readUInt16BE(at + 2);
    if (marker !== DQT && marker !== DHT) {
      segments.push(file.subarray(at, end));
      bytes += end - at;
    }
    if (end > file.length || bytes > MOST_BYTES) return undefined;
    if (marker === SOS) return Buffer.concat(segments);
    at = end;
  }
  return undefined;
}

/** Collects the chunks up to the first one of pixels. Format: PNG (third edition), 5.3. */
function pngHeader(file: Buffer): Buffer | undefined {
  let at = 8;
  for (let count = 0; count < MOST_PARTS && at <= MOST_BYTES && at + LEAST <= file.length; count += 1) {
    if (file.readUInt32BE(at + 4) === IDAT) return file.subarray(0, at);
    at += 12 + file.readUInt32BE(at);
  }
  return undefined;
}
