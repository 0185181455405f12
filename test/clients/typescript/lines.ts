/**
 * Yields the events of a response in lines as they arrive. openapi-fetch returns such a response as a stream.
 * @param stream the result of `parseAs: 'stream'`; missing if the response is a problem
 */
export async function* lines<Event>(stream: ReadableStream<Uint8Array> | null | undefined): AsyncGenerator<Event> {
  if (!stream) throw new Error('The response has no lines.');
  const decoder = new TextDecoder();
  let rest = '';
  for await (const bytes of stream) {
    const parts = (rest + decoder.decode(bytes, { stream: true })).split('\n');
    rest = parts.pop() ?? '';
    for (const part of parts) yield JSON.parse(part);
  }
}
