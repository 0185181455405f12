/** A block, or a frame, in the form that vLLM accepts: a video of two frames or an image, with a name (uuid). */
export interface Item {
  uuid: string;
  media: 'video' | 'image';
  /** prompt text directly before it; empty for none */
  before: string;
  /** the part of a message that only names it */
  named: string;
  /** Undefined if a growing episode only names a frame of the block. The engine may still have the block. */
  file: ItemFile | undefined;
}

/** The file of an item, in base64. */
export interface ItemFile {
  /** media type */
  type: string;
  /** characters */
  length: number;
  /**
   * The text in pieces, made again by each call: a frame is in memory once, however many blocks and retries contain it.
   */
  text(): Uint8Array[];
}

/** A text as a part of a message. */
export function textPart(text: string): string {
  return JSON.stringify({ type: 'text', text });
}

/** The part of a message that names an item, after the text that it has before it. */
export function namedPart(item: Pick<Item, 'uuid' | 'media' | 'before'>): string {
  return `${head(item)}null}`;
}

/**
 * An item as a part of a message, in pieces. Its file is not copied.
 * @param withFile whether the file is sent, if there is one, or only the name
 */
export function* itemPart(item: Item, withFile: boolean): Generator<string | Uint8Array> {
  const { file, named } = item;
  if (!withFile || !file) {
    yield named;
    return;
  }
  yield `${head(item)}${urlOf(file.type)}`;
  yield* file.text();
  yield '"}}';
}

/** Bytes of such a part. Prompts name thousands of items, so nothing is made for that. */
export function itemLength({ file, named }: Item, withFile: boolean): number {
  const bytes = Buffer.byteLength(named);
  if (!withFile || !file) return bytes;
  return bytes - 'null}'.length + urlOf(file.type).length + file.length + '"}}'.length;
}

function head({ uuid, media, before }: Pick<Item, 'uuid' | 'media' | 'before'>): string {
  const text = before === '' ? '' : `${textPart(before)},`;
  return `${text}{"type":"${media}_url","uuid":"${uuid}","${media}_url":`;
}

function urlOf(type: string): string {
  return `{"url":"data:${type};base64,`;
}
