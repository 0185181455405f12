/**
 * Gives the memory of bytes back at once, for bytes that nobody looks at any more. The garbage collector would be in no hurry:
 * it sees small objects and not the megabytes behind them. Small buffers share their memory and are left to it.
 */
export function letGo(bytes: Uint8Array): void {
  const { buffer } = bytes;
  if (buffer instanceof ArrayBuffer && ownsBuffer(bytes)) buffer.transfer(0);
}

/** Whether no other view can look at the same memory, unless it was made from these bytes. */
export function ownsBuffer({ byteLength, buffer }: Uint8Array): boolean {
  return byteLength > 0 && byteLength === buffer.byteLength;
}
