import type { HeldFrame } from './held-frame.ts';

/**
 * Uploaded frames of one tenant's growing episodes, by SHA-256. A frame may be evicted at any time; nothing relies on
 * it.
 */
export interface RecentFrames {
  get(digest: string): HeldFrame | undefined;
  keep(digest: string, frame: HeldFrame): void;
}

/**
 * A cache of frames of growing episodes, with a limit in bytes. If it is full, the tenant that holds the most loses the
 * frame that it used longest ago. Thanks to the cache a caller need not send the first frame of a block again with its
 * second frame, nor all frames again after an interrupted upload.
 */
export interface FrameMemory {
  /** A tenant finds only its own frames. */
  of(tenant: string): RecentFrames;
  bytes(): number;
}

/** The frames of one tenant. */
interface Part {
  bytes: number;
  /** By digest. A Map keeps the order of insertion: the first frame was used longest ago. */
  frames: Map<string, HeldFrame>;
}

/** @param limit most bytes of all frames together */
export function createFrameMemory(limit: number): FrameMemory {
  const parts = new Map<string, Part>();
  let bytes = 0;

  function remove(tenant: string, digest: string) {
    const part = parts.get(tenant);
    const length = part?.frames.get(digest)?.bytes.length;
    if (!part || length === undefined) return;
    part.frames.delete(digest);
    part.bytes -= length;
    bytes -= length;
    if (part.frames.size === 0) parts.delete(tenant);
  }

  function keep(tenant: string, digest: string, frame: HeldFrame) {
    remove(tenant, digest);
    if (frame.bytes.length > limit) return;
    const part = parts.get(tenant) ?? { bytes: 0, frames: new Map() };
    parts.set(tenant, part);
    part.frames.set(digest, frame);
    part.bytes += frame.bytes.length;
    bytes += frame.bytes.length;
    while (bytes > limit) {
      const [[most, { frames }]] = [...parts].sort(([, a], [, b]) => b.bytes - a.bytes) as [[string, Part]];
      remove(most, frames.keys().next().value as string);
    }
  }

  return {
    of: (tenant) => ({
      get(digest) {
        const frame = parts.get(tenant)?.frames.get(digest);
        if (frame) keep(tenant, digest, frame);
        return frame;
      },
      keep: (digest, frame) => keep(tenant, digest, frame),
    }),
    bytes: () => bytes,
  };
}
