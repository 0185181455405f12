import type { HeldFrame } from './held-frame.ts';

/** Uploaded frames of one tenant's growing episodes, by SHA-256. They may be gone at any time: nothing relies on them. */
export interface RecentFrames {
  get(digest: string): HeldFrame | undefined;
  keep(digest: string, frame: HeldFrame): void;
}

/**
 * A memory of the frames of growing episodes, of so many bytes and never more; what was used longest ago goes first. It saves
 * a caller from sending the frame before last again when it gets its partner, or all of them when an upload was cut off.
 */
export interface FrameMemory {
  /** A tenant finds its own frames only. */
  of(tenant: string): RecentFrames;
  bytes(): number;
}

export function createFrameMemory(limit: number): FrameMemory {
  // A Map keeps its order: the first key is the one used longest ago.
  const kept = new Map<string, HeldFrame>();
  let bytes = 0;

  function remove(name: string) {
    bytes -= kept.get(name)?.bytes.length ?? 0;
    kept.delete(name);
  }

  function keep(name: string, frame: HeldFrame) {
    remove(name);
    if (frame.bytes.length > limit) return;
    kept.set(name, frame);
    bytes += frame.bytes.length;
    for (const oldest of kept.keys()) {
      if (bytes <= limit) return;
      remove(oldest);
    }
  }

  return {
    of(tenant) {
      const nameOf = (digest: string) => JSON.stringify([tenant, digest]);
      return {
        get(digest) {
          const frame = kept.get(nameOf(digest));
          if (frame) keep(nameOf(digest), frame);
          return frame;
        },
        keep: (digest, frame) => keep(nameOf(digest), frame),
      };
    },
    bytes: () => bytes,
  };
}
