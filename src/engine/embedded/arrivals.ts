import { createHash } from 'node:crypto';
import type { ComingFrames } from '../render-frames.ts';
import type { TaskRequest } from './task.ts';

/** A frame on its way to the model's thread. */
export interface Arrival {
  /** raw frame number */
  frame: number;
  /** RGB; null where the frame is not here and its block must be known */
  pixels: Uint8Array | null;
  /** With the second frame of a shared block: a name for it and all before it, under which its keys and values may be kept. */
  link: string | undefined;
}

/**
 * Names each block by all that its keys and values depend on: its time, its frames as uploaded, and the blocks before it. At
 * the root are the frame size, which with the uploads makes the pixels, and the tenant: no two share a name.
 */
export async function* arrivalsOf(
  { plan, tenant, frames: { size: source } }: TaskRequest,
  coming: ComingFrames,
): AsyncGenerator<Arrival> {
  let link = JSON.stringify(['tenant', tenant, source.width, source.height]);
  let place = 0;
  let before = '';
  for await (const [frame, { bytes: pixels, digest }] of coming) {
    const block = plan.blocks[place];
    const ends = block?.second === frame;
    if (ends) {
      link = createHash('sha256')
        .update(JSON.stringify([link, block.time, before, digest]))
        .digest('hex');
      place += 1;
    }
    before = digest;
    yield { frame, pixels, link: ends ? link : undefined };
  }
}

/** What has arrived of an episode in the model's thread, and what is waited for. */
export interface Arrivals {
  put(arrival: Arrival): void;
  /** Nothing comes any more: who waits gets the reason. */
  end(reason: Error): void;
  /** Name of a shared block, by its place. */
  link(place: number): Promise<string>;
  pixels(frame: number): Promise<Uint8Array | null>;
}

export function createArrivals(): Arrivals {
  const links = createAwaited<string>();
  const frames = createAwaited<Uint8Array | null>();
  let places = 0;
  return {
    put({ frame, pixels, link }) {
      frames.put(frame, pixels);
      if (link === undefined) return;
      links.put(places, link);
      places += 1;
    },
    end(reason) {
      links.end(reason);
      frames.end(reason);
    },
    link: links.get,
    pixels: frames.get,
  };
}

/** Values by number, some of which are not there yet. */
function createAwaited<Value>() {
  const here = new Map<number, Value>();
  const waiting = new Map<number, PromiseWithResolvers<Value>>();
  let ended: Error | undefined;
  return {
    put(key: number, value: Value) {
      here.set(key, value);
      waiting.get(key)?.resolve(value);
      waiting.delete(key);
    },
    end(reason: Error) {
      ended = reason;
      for (const { reject } of waiting.values()) reject(reason);
    },
    async get(key: number): Promise<Value> {
      if (here.has(key)) return here.get(key) as Value;
      if (ended) throw ended;
      const awaited = waiting.get(key) ?? Promise.withResolvers<Value>();
      waiting.set(key, awaited);
      return awaited.promise;
    },
  };
}
