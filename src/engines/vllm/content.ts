import type { Item } from './items.ts';

/** A text as a part of a message. */
export function textPart(text: string): string {
  return JSON.stringify({ type: 'text', text });
}

/**
 * An item as a part of a message, after the text that it has before it, in pieces. Its file is not copied.
 * @param withFile whether the file is sent, if there is one, or only the name
 */
export function* itemPart({ uuid, media, before, file }: Item, withFile: boolean): Generator<string | Uint8Array> {
  const text = before === '' ? '' : `${textPart(before)},`;
  const head = `${text}{"type":"${media}_url","uuid":"${uuid}","${media}_url":`;
  if (!withFile || !file) {
    yield `${head}null}`;
    return;
  }
  yield `${head}{"url":"data:${file.type};base64,`;
  yield* file.text();
  yield '"}}';
}

/** Bytes of such a part. Its file is not made for that. */
export function itemLength(item: Item, withFile: boolean): number {
  const { file } = item;
  const empty = withFile && file ? { ...file, text: () => [] } : undefined;
  const shell = [...itemPart({ ...item, file: empty }, withFile)];
  const length = shell.reduce((sum, piece) => sum + Buffer.byteLength(piece), 0);
  return length + (empty?.length ?? 0);
}
