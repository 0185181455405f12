import type { HeldFrame } from './held-frame.ts';

/** Uploaded frames of one tenant's growing episodes, by SHA-256. They may be gone at any time: nothing relies on them. */
export interface RecentFrames {
  get(digest: string): HeldFrame | undefined;
  keep(digest: string, frame: HeldFrame): void;
}

/**
 * A memory of the frames of growing episodes, of so many bytes and never more. The tenant that holds most makes room, with what
 * it used longest ago. It saves a caller from sending the frame before last again when it gets its partner, or all of them when
 * an upload was cut off.
 */
export interface FrameMemory {
  /** A tenant finds its own frames only. */
  of(tenant: string): RecentFrames;
  bytes(): number;
}

/** What one tenant has there. */
interface Part {
  bytes: number;
  /** By digest. A Map keeps its order: the first one was used longest ago. */
  frames: Map<string, HeldFrame>;
}

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
