/** @typedef {import('./service.js').Frame} Frame */

const BLOCK = 512;

/**
 * An archive of frames. With it, the curl command sends the same bytes as this page.
 * Format: POSIX ustar.
 * @param {Frame[]} frames
 * @returns {Blob}
 */
export function tarOf(frames) {
  const pieces = frames.flatMap(({ name, file }) => [
    header(name, file.size),
    file,
    new Uint8Array((BLOCK - (file.size % BLOCK)) % BLOCK),
  ]);
  return new Blob([...pieces, new Uint8Array(2 * BLOCK)], { type: 'application/x-tar' });
}

/** @param {string} name @param {number} size */
function header(name, size) {
  const block = new Uint8Array(BLOCK);
  /** @param {number} at @param {string} text */
  const write = (at, text) => new TextEncoder().encodeInto(text, block.subarray(at));
  /** @param {number} value @param {number} digits */
  const octal = (value, digits) => value.toString(8).padStart(digits, '0');
  write(0, name);
  write(100, octal(0o644, 7));
  write(108, octal(0, 7));
  write(116, octal(0, 7));
  write(124, octal(size, 11));
  write(136, octal(0, 11));
  write(156, '0');
  write(257, 'ustar');
  write(263, '00');
  // The checksum counts its own eight bytes as spaces.
  write(148, ' '.repeat(8));
  const sum = block.reduce((total, byte) => total + byte, 0);
  write(148, `${octal(sum, 6)}\0 `);
  return block;
}
