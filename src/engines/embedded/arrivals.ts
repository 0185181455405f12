import { createHash } from 'node:crypto';
import type { FrameSize } from '../../../schemas/reward.ts';
import type { EngineFrame } from '../../frames/rendered.ts';
import type { Block } from '../../plan/plan.ts';

/** A frame that is sent to the model thread. */
export interface Arrival {
  /** raw frame number */
  frame: number;
  /** RGB, height × width × 3; null if the caller only named the frame, so that its block must be in the cache */
  pixels: Uint8Array | null;
  /**
   * One link for each shared block that has its frames with this one, in order. A link names a block and all before it:
   * it is the key in the block cache.
   */
  links: string[];
}

/** Blocks that follow each other in a prompt, and what their names depend on besides. */
interface NamedBlocks {
  blocks: Block[];
  tenant: string;
  /** size of the uploaded frames */
  source: FrameSize;
}

/**
 * Names each block by everything that its keys and values depend on: its time, the digests of its frames, and the
 * blocks before it. The first link contains the uploaded frame size, which with the digests identifies the pixels, and
 * the tenant, so that no two tenants share a name. A frame can be in several blocks.
 */
export async function* arrivalsOf(
  { blocks, tenant, source }: NamedBlocks,
  coming: AsyncIterable<[index: number, frame: EngineFrame]>,
): AsyncGenerator<Arrival> {
  let link = JSON.stringify(['tenant', tenant, source.width, source.height]);
  const digests = new Map<number, string>();
  let place = 0;
  for await (const [frame, { bytes: pixels, digest }] of coming) {
    digests.set(frame, digest);
    const links: string[] = [];
    for (let block = blocks[place]; block; block = blocks[place]) {
      const shown = block.frames.map((each) => digests.get(each));
      if (shown.includes(undefined)) break;
      link = createHash('sha256')
        .update(JSON.stringify([link, block.time, ...shown]))
        .digest('hex');
      links.push(link);
      place += 1;
    }
    yield { frame, pixels, links };
  }
}

/** The frames and links of an episode that have arrived in the model thread. Readers wait for those that have not. */
export interface Arrivals {
  put(arrival: Arrival): void;
  /** No more frames will arrive: rejects everything that waits, with this reason. */
  end(reason: Error): void;
  /** Waits for the name of a shared block. @param place index of the block */
  link(place: number): Promise<string>;
  /** Waits for the pixels of a frame. @param frame raw frame number */
  pixels(frame: number): Promise<Uint8Array | null>;
}

/** Creates an empty store for the frames of one episode. */
export function createArrivals(): Arrivals {
  const links = createAwaited<string>();
  const frames = createAwaited<Uint8Array | null>();
  let places = 0;
  return {
    put({ frame, pixels, links: named }) {
      frames.put(frame, pixels);
      for (const link of named) {
        links.put(places, link);
        places += 1;
      }
    },
    end(reason) {
      links.end(reason);
      frames.end(reason);
    },
    link: links.get,
    pixels: frames.get,
  };
}

/** A map whose `get` waits for a value that has not been put yet. */
function createAwaited<Value>() {
  const here = new Map<number, { value: Value }>();
  const waiting = new Map<number, PromiseWithResolvers<Value>>();
  let ended: Error | undefined;
  return {
    put(key: number, value: Value) {
      here.set(key, { value });
      waiting.get(key)?.resolve(value);
      waiting.delete(key);
    },
    end(reason: Error) {
      ended = reason;
      for (const { reject } of waiting.values()) reject(reason);
    },
    async get(key: number): Promise<Value> {
      const found = here.get(key);
      if (found) return found.value;
      if (ended) throw ended;
      const awaited = waiting.get(key) ?? Promise.withResolvers<Value>();
      waiting.set(key, awaited);
      return awaited.promise;
    },
  };
}
