import { createHmac } from 'node:crypto';
import type { AviEncoding } from '../../frames/avi-frame.ts';
import type { ShownFrame } from '../../frames/frames.ts';
import type { FrameSize } from '../../plan/frame-size.ts';
import type { Block } from '../../plan/plan.ts';
import { aviLength, twoFrameAvi } from './avi.ts';

/** A block as vLLM takes it: a video of two frames under a name. */
export interface Item {
  uuid: string;
  /** Undefined where a growing episode names a frame that is not here: only the engine may still know the block. */
  video: ItemVideo | undefined;
}

/** The video file of a block, in base64. */
export interface ItemVideo {
  /** characters */
  length: number;
  /** In pieces, made anew at each call: frames are held once, whatever number of blocks and repeats they serve. */
  text(): Uint8Array[];
}

/** What the names of an episode's items are made from, besides the frames. */
export interface ItemScope {
  secret: string;
  tenant: string;
  model: string;
  encoding: AviEncoding;
  /** as uploaded: with the digest of what was uploaded it stands for the pixels */
  source: FrameSize;
  /** as the model sees them */
  size: FrameSize;
}

/**
 * Names and packs blocks. Item names are global to an engine, and a known name wins over the data sent with it, so they are
 * made from a secret, the tenant and everything that the model will see: nobody can guess or choose another's.
 * @param frames by raw frame number
 */
export function itemsOf(frames: ReadonlyMap<number, ShownFrame>, scope: ItemScope): (block: Block) => Item {
  const { secret, tenant, model, encoding, source, size } = scope;
  // Prefixes share their blocks: each is named once, however many thousand prefixes show it.
  const items = new Map<Block, Item>();
  function pack({ first, second, time }: Block): Item {
    const [a, b] = [frames.get(first) as ShownFrame, frames.get(second) as ShownFrame];
    const sizes = [source.width, source.height, size.width, size.height];
    const identity = JSON.stringify([tenant, model, encoding, ...sizes, time, a.digest, b.digest]);
    const uuid = createHmac('sha256', secret).update(identity).digest('hex').slice(0, 40);
    return { uuid, video: videoOf(a.bytes, b.bytes, (pair) => twoFrameAvi(pair, { size, encoding, time })) };
  }
  return (block) => {
    const item = items.get(block) ?? pack(block);
    items.set(block, item);
    return item;
  };
}

function videoOf(
  first: Uint8Array | null,
  second: Uint8Array | null,
  pack: (frames: [Uint8Array, Uint8Array]) => Uint8Array[],
): ItemVideo | undefined {
  if (!first || !second) return undefined;
  return { length: aviLength(first, second), text: () => pack([first, second]) };
}

/** Keeps the engine's own prefix cache apart between tenants. */
export function cacheSalt(secret: string, tenant: string): string {
  return createHmac('sha256', secret)
    .update(JSON.stringify(['salt', tenant]))
    .digest('hex')
    .slice(0, 40);
}
