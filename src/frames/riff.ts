/**
 * Makes a chunk of a RIFF file such as an AVI, in pieces: its name, its length, its bytes, and one more byte if the
 * length is odd.
 */
export function chunk(name: string, ...parts: Uint8Array[]): Uint8Array[] {
  const length = lengthOf(parts);
  return [ascii(name), uint32(length), ...parts, Buffer.alloc(length % 2)];
}

/** Makes a LIST chunk, which contains other chunks. */
export function list(type: string, ...chunks: Uint8Array[][]): Uint8Array[] {
  return chunk('LIST', ascii(type), ...chunks.flat());
}

/** Total length in bytes. */
export function lengthOf(parts: Uint8Array[]): number {
  return parts.reduce((sum, { length }) => sum + length, 0);
}

/** Bytes of an ASCII text. */
export function ascii(text: string): Buffer {
  return Buffer.from(text, 'latin1');
}

/** Bytes of 32-bit unsigned integers, little-endian. */
export function uint32(...values: number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 4);
  values.forEach((value, i) => {
    bytes.writeUInt32LE(value, i * 4);
  });
  return bytes;
}

/** Bytes of 16-bit unsigned integers, little-endian. */
export function uint16(...values: number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 2);
  values.forEach((value, i) => {
    bytes.writeUInt16LE(value, i * 2);
  });
  return bytes;
}
