import { LRUCache } from 'lru-cache';
import type { UploadedFrame } from './uploaded-frame.ts';

/**
 * Uploaded frames of one tenant's growing episodes, by SHA-256. A frame may be evicted at any time; nothing relies on
 * it.
 */
export interface RecentFrames {
  get(digest: string): UploadedFrame | undefined;
  keep(digest: string, frame: UploadedFrame): void;
}

/**
 * A cache of frames of growing episodes, with a limit in bytes. If it is full, the tenant that holds the most loses the
 * frame that it used longest ago. Thanks to the cache a caller need not send the first frame of a block again with its
 * second frame, nor all frames again after an interrupted upload.
 */
export interface RecentFrameCache {
  /** A tenant finds only its own frames. */
  of(tenant: string): RecentFrames;
  bytes(): number;
}

/** What a frame takes beside its own bytes: its digest, its place in the cache, and the objects around it. */
const OVERHEAD_BYTES = 1024;

/** @param limit most bytes of all frames together; each frame counts with 1,024 bytes more than its own */
export function createRecentFrameCache(limit: number): RecentFrameCache {
  const tenants = new Map<string, LRUCache<string, UploadedFrame>>();
  const sizeOf = ({ bytes }: UploadedFrame) => bytes.length + OVERHEAD_BYTES;
  const bytes = () => tenants.values().reduce((sum, { calculatedSize }) => sum + calculatedSize, 0);

  /** The least recently used frame of the tenant that holds the most leaves. */
  function evict() {
    const [tenant, frames] = [...tenants].reduce((most, each) =>
      each[1].calculatedSize > most[1].calculatedSize ? each : most,
    );
    frames.pop();
    if (frames.size === 0) tenants.delete(tenant);
  }

  function keep(tenant: string, digest: string, frame: UploadedFrame) {
    if (sizeOf(frame) > limit) return;
    const frames = tenants.get(tenant) ?? new LRUCache({ maxSize: limit, sizeCalculation: sizeOf });
    tenants.set(tenant, frames);
    frames.set(digest, frame);
    while (bytes() > limit) evict();
  }

  return {
    of: (tenant) => ({
      get: (digest) => tenants.get(tenant)?.get(digest),
      keep: (digest, frame) => keep(tenant, digest, frame),
    }),
    bytes,
  };
}
