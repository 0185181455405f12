/** One part of a form, with its bytes as they arrive. */
interface NamedPart {
  name: string;
  /** undefined or empty if no file was chosen */
  filename: string | undefined;
  chunks: AsyncGenerator<Buffer>;
}

/** Names of the parts that contain files. */
export const FILE_FIELDS: ReadonlySet<string> = new Set(['frames', 'npy', 'video']);

/**
 * Leaves out file fields in which no file was chosen: browsers and API pages send them as parts without bytes and without a
 * file name. An empty part stays if there are other parts with its name. It can be a frame or an episode that was lost, and
 * without it all following ones would get wrong numbers.
 */
export async function* withoutEmptyFields(parts: AsyncIterable<NamedPart>): AsyncGenerator<NamedPart> {
  const seen = new Set<string>();
  const held = new Map<string, NamedPart>();
  for await (const part of parts) {
    const { name } = part;
    const given = FILE_FIELDS.has(name) && !part.filename ? await unlessEmpty(part) : part;
    if (!given && !seen.has(name) && !held.has(name)) {
      held.set(name, part);
      continue;
    }
    const earlier = held.get(name);
    held.delete(name);
    seen.add(name);
    if (earlier) yield earlier;
    yield given ?? part;
  }
}

/** Reads the first bytes of a part. @returns the part, or undefined if it has no bytes */
async function unlessEmpty(part: NamedPart): Promise<NamedPart | undefined> {
  const first = await part.chunks.next();
  return first.done ? undefined : { ...part, chunks: rejoined(first.value, part.chunks) };
}

async function* rejoined(first: Buffer, rest: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
  try {
    yield first;
    yield* rest;
  } finally {
    await rest.return(undefined);
  }
}
