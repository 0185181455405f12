import { createHmac } from 'node:crypto';
import type { FrameSize } from '../../../schemas/reward.ts';
import { frameAt } from '../../engine/render-frames.ts';
import type { Family } from '../../families/family.ts';
import type { AviEncoding } from '../../frames/avi-frame.ts';
import type { EngineFrame, FrameForm } from '../../frames/rendered.ts';
import type { Block, FrameGroup } from '../../plan/plan.ts';
import { aviLength, twoFrameAvi } from './avi.ts';
import { type Item, type ItemFile, namedPart } from './content.ts';

/** What the names of an episode's items depend on, besides the frames. */
interface ItemScope {
  secret: string;
  tenant: string;
  model: string;
  encoding: AviEncoding;
  /** frame size as uploaded: together with the digest of the upload it identifies the pixels */
  source: FrameSize;
  /** how the frames are resized for the model */
  group: Pick<FrameGroup, 'size' | 'resampling'>;
}

/**
 * Names and packs blocks. Item names are global to an engine, and vLLM prefers the cached item of a known name to the
 * data sent with it. So names are an HMAC, with a secret key, over the tenant and everything that the model receives:
 * nobody can guess or choose the name of another tenant's item.
 * @param frames by raw frame number, rendered in the form of `formOf`
 */
export function itemsOf(
  frames: ReadonlyMap<number, EngineFrame>,
  scope: ItemScope,
  { media, textBefore }: Pick<Family, 'media' | 'textBefore'>,
): (block: Block) => Item {
  const videoOf = videosOf(frames, scope);
  const imageOf = imagesOf(frames, scope);
  const pack = (block: Block) =>
    media === 'video' ? videoOf(block) : preceded(imageOf(block.frames[0]), textBefore(block.time));
  // Prefixes share their blocks. Each block is named once, even if thousands of prefixes contain it.
  const items = new Map<Block, Item>();
  return (block) => {
    const item = items.get(block) ?? pack(block);
    items.set(block, item);
    return item;
  };
}

/** The form in which frames are rendered for the items of a family. */
export function formOf(media: Item['media'], encoding: AviEncoding): FrameForm {
  return media === 'video' ? encoding : `${encoding}-file`;
}

function videosOf(frames: ReadonlyMap<number, EngineFrame>, scope: ItemScope): (block: Block) => Item {
  const { secret, tenant, model, encoding, source, group } = scope;
  const { size, resampling } = group;
  const sizes = [source.width, source.height, size.width, size.height];
  return ({ frames: [first, second = first], time }) => {
    const [a, b] = [frameAt(frames, first), frameAt(frames, second)];
    const identity = JSON.stringify([tenant, model, encoding, resampling, ...sizes, time, a.digest, b.digest]);
    return {
      ...nothingBefore(nameOf(secret, identity), 'video'),
      file: videoFile(a.bytes, b.bytes, (pair) => twoFrameAvi(pair, { size, encoding, time })),
    };
  };
}

function videoFile(
  first: Uint8Array | null,
  second: Uint8Array | null,
  pack: (frames: [Uint8Array, Uint8Array]) => Uint8Array[],
): ItemFile | undefined {
  if (!first || !second) return undefined;
  return { type: 'video/x-msvideo', length: aviLength(first, second), text: () => pack([first, second]) };
}

/** Media types of image files. `raw` is a portable pixmap, which is not compressed. */
const IMAGE_TYPES = { raw: 'image/x-portable-pixmap', png: 'image/png', jpeg: 'image/jpeg' } as const;

/**
 * Names the frames that a prompt has as images, in the same way as blocks.
 * @param frames by raw frame number, rendered as files
 */
export function imagesOf(
  frames: ReadonlyMap<number, EngineFrame>,
  { secret, tenant, model, encoding, source, group: { size, resampling } }: ItemScope,
): (frame: number) => Item {
  const sizes = [source.width, source.height, size.width, size.height];
  return (number) => {
    const { digest, bytes } = frameAt(frames, number);
    const identity = JSON.stringify(['image', tenant, model, encoding, resampling, ...sizes, digest]);
    return {
      ...nothingBefore(nameOf(secret, identity), 'image'),
      file: bytes ? { type: IMAGE_TYPES[encoding], length: bytes.length, text: () => [bytes] } : undefined,
    };
  };
}

function nothingBefore(uuid: string, media: Item['media']): Omit<Item, 'file'> {
  const item = { uuid, media, before: '' };
  return { ...item, named: namedPart(item) };
}

/** The same item with a text before it. */
function preceded(item: Item, before: string): Item {
  return before === '' ? item : { ...item, before, named: namedPart({ ...item, before }) };
}

/** @returns 40 hexadecimal digits */
function nameOf(secret: string, identity: string): string {
  return createHmac('sha256', secret).update(identity).digest('hex').slice(0, 40);
}

/**
 * Makes the name of an episode for routers: all queries of an episode, and all steps of a growing one, have the same.
 * @param origin of its frames
 * @returns 40 hexadecimal digits
 */
export function sessionOf(secret: string, tenant: string, origin: string): string {
  return nameOf(secret, JSON.stringify(['session', tenant, origin]));
}

/** Makes the salt that separates tenants in vLLM's prefix cache. @returns 40 hexadecimal digits */
export function cacheSalt(secret: string, tenant: string): string {
  return nameOf(secret, JSON.stringify(['salt', tenant]));
}
