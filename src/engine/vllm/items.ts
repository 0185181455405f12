import { createHmac } from 'node:crypto';
import type { RenderedFrame } from '../../frames/render-worker.ts';
import type { FrameSize } from '../../plan/frame-size.ts';
import type { Block } from '../../plan/plan.ts';
import { aviLength, twoFrameAvi } from './avi.ts';

/** A block as vLLM takes it: a video of two frames under a name. */
export interface Item {
  uuid: string;
  /** length of the file */
  bytes: number;
  /** The video file, made anew at each call: frames are held once, whatever number of blocks and repeats they serve. */
  file(): Buffer;
}

/** What the names of an episode's items are made from, besides the frames. */
export interface ItemScope {
  secret: string;
  tenant: string;
  model: string;
  encoding: 'png' | 'jpeg';
  size: FrameSize;
}

/**
 * Names and packs blocks. Item names are global to an engine, and a known name wins over the data sent with it, so they are
 * made from a secret, the tenant and everything that the model will see: nobody can guess or choose another's.
 * @param frames rendered frames by raw frame number
 */
export function itemsOf(frames: ReadonlyMap<number, RenderedFrame>, scope: ItemScope): (block: Block) => Item {
  const { secret, tenant, model, encoding, size } = scope;
  // Prefixes share their blocks: each is named once, however many thousand prefixes show it.
  const items = new Map<Block, Item>();
  function pack({ first, second, time }: Block): Item {
    const [a, b] = [frames.get(first) as RenderedFrame, frames.get(second) as RenderedFrame];
    const identity = JSON.stringify([tenant, model, encoding, size.width, size.height, time, a.digest, b.digest]);
    const uuid = createHmac('sha256', secret).update(identity).digest('hex').slice(0, 40);
    const file = () => twoFrameAvi([a.bytes, b.bytes], size, encoding, time);
    return { uuid, bytes: aviLength(a.bytes, b.bytes), file };
  }
  return (block) => {
    const item = items.get(block) ?? pack(block);
    items.set(block, item);
    return item;
  };
}

/** Keeps the engine's own prefix cache apart between tenants. */
export function cacheSalt(secret: string, tenant: string): string {
  return createHmac('sha256', secret)
    .update(JSON.stringify(['salt', tenant]))
    .digest('hex')
    .slice(0, 40);
}
