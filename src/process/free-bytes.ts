/**
 * Frees the memory of bytes that are no longer used. The garbage collector would free it late, because it counts the
 * small objects and not the megabytes behind them. Small buffers share memory, so this function leaves them to the
 * collector.
 */
export function freeBytes(bytes: Uint8Array): void {
  if (ownsBuffer(bytes)) bytes.buffer.transfer(0);
}

/** True if this memory can be moved: no other thread has it, and no other view, except views made from these bytes. */
export function ownsBuffer(bytes: Uint8Array): bytes is Uint8Array<ArrayBuffer> {
  const { byteLength, buffer } = bytes;
  return byteLength > 0 && byteLength === buffer.byteLength && buffer instanceof ArrayBuffer;
}
