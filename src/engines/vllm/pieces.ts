/** Pieces shorter than this are joined, because each chunk of a body costs a system call. */
const SHORT_BYTES = 4 * 1024;

/** Joins the short pieces of a body, those between frames, into one chunk each. Frames pass through unchanged. */
export function* joined(pieces: Iterable<string | Uint8Array>): Generator<Uint8Array> {
  let short: Uint8Array[] = [];
  for (const piece of pieces) {
    const bytes = typeof piece === 'string' ? Buffer.from(piece) : piece;
    if (bytes.length < SHORT_BYTES) {
      short.push(bytes);
      continue;
    }
    yield Buffer.concat(short);
    short = [];
    yield bytes;
  }
  yield Buffer.concat(short);
}
