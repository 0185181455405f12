/** One part of a form, with its bytes as they come. */
interface NamedPart {
  name: string;
  /** undefined or empty where the sender chose no file */
  filename: string | undefined;
  chunks: AsyncGenerator<Buffer>;
}

export const FILE_FIELDS: ReadonlySet<string> = new Set(['frames', 'npy', 'video']);

/**
 * Leaves out file fields in which nothing was chosen: browsers and Swagger UI send them as parts without bytes and without a
 * file name. Such a part beside others of its name stays, since it may be a frame or an episode that got lost: without it
 * all that follow would move up.
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

/** Looks at the first bytes. @returns undefined where there are none */
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
