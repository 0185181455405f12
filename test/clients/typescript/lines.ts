/**
 * The events of an answer in lines, as they come: openapi-fetch gives such an answer as a stream.
 * @param stream what `parseAs: 'stream'` gave; none where the answer is a problem
 */
export async function* lines<Event>(stream: ReadableStream<Uint8Array> | null | undefined): AsyncGenerator<Event> {
  if (!stream) throw new Error('The answer has no lines.');
  const decoder = new TextDecoder();
  let rest = '';
  for await (const bytes of stream) {
    const parts = (rest + decoder.decode(bytes, { stream: true })).split('\n');
    rest = parts.pop() ?? '';
    for (const part of parts) yield JSON.parse(part);
  }
}
