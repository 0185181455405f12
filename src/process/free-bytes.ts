/**
 * Frees the memory of bytes that are no longer used. The garbage collector would free it late, because it counts the
 * small objects and not the megabytes behind them. Small buffers share memory, so this function leaves them to the
 * collector.
 */
export function freeBytes(bytes: Uint8Array): void {
  const { buffer } = bytes;
  if (buffer instanceof ArrayBuffer && ownsBuffer(bytes)) buffer.transfer(0);
}

/** True if no other view shares this memory, except views made from these bytes. */
export function ownsBuffer({ byteLength, buffer }: Uint8Array): boolean {
  return byteLength > 0 && byteLength === buffer.byteLength;
}
