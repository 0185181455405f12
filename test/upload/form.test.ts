import type { FastifyRequest } from 'fastify';
import t from 'tap';
import { readBody } from '../../src/upload/body.ts';
import { formParts, readAll, unexpectedPart } from '../../src/upload/form.ts';
import { readMultipart } from '../../src/upload/multipart.ts';
import { chunksOf, json, LIMITS, part, partsOf, recordingReader } from './support.ts';

const body = (length: number | undefined, ...chunks: string[]) =>
  readBody({ headers: length === undefined ? {} : { 'content-length': `${length}` } }, chunksOf(...chunks), 10);

t.test('a body with or without an announced length is read up to the limit', async (t) => {
  t.equal(`${await body(6, 'abc', 'def')}`, 'abcdef');
  t.equal(`${await body(undefined, 'abc', 'def')}`, 'abcdef');
  t.equal(`${await body(10, '0123456789')}`, '0123456789');
  const tooLarge = { code: 'upload-too-large', place: { limit: 10 }, message: /^The request is larger/ };
  await t.rejects(body(11), tooLarge, 'before a byte is read');
  await t.rejects(body(undefined, '0123456789', '0'), tooLarge);
});

t.test('a body of another length than announced is refused', async (t) => {
  await t.rejects(body(6, 'abc'), { code: 'malformed-json' });
  await t.rejects(body(6, 'abcdef', 'g'), { code: 'malformed-json' });
});

t.test('all chunks of a part are read up to the limit', async (t) => {
  t.equal(`${await readAll(chunksOf('abc', 'def'), 6, { part: 'npy' })}`, 'abcdef');
  await t.rejects(readAll(chunksOf('abc', 'def', 'g'), 6, { part: 'frames', frame: 2 }), {
    code: 'upload-too-large',
    message: /^This part of the request/,
    place: { part: 'frames', frame: 2, limit: 6 },
  });
});

t.test('an unknown part is named, with what was probably meant', async (t) => {
  const known = ['episode', 'frames'];
  t.match(unexpectedPart('frame', known, 'Send those.'), {
    message: 'There is no part with this name. Did you mean `frames`? Send those.',
    place: { part: 'frame' },
  });
  t.match(unexpectedPart('', known, 'Send those.'), { message: 'There is a part without a name. Send those.' });
  t.equal(unexpectedPart(`${'x'.repeat(63)}\ud83d\ude00`, known, '').place.part, `${'x'.repeat(63)}\ufffd`);
});

/** A request whose form has these files. */
const request = (files: AsyncIterable<object>) => ({ files: () => files }) as unknown as FastifyRequest;

async function* filesOf(...files: object[]) {
  yield* files;
}

t.test('the bytes of a form are counted as they arrive, and empty fields are left out', async (t) => {
  const counts: number[] = [];
  const files = filesOf(
    { fieldname: 'npy', filename: '', file: chunksOf() },
    { fieldname: 'episode', filename: undefined, file: chunksOf('{', '}') },
    { fieldname: undefined, filename: 'a', file: chunksOf('abc') },
  );
  const seen: string[] = [];
  for await (const { name, chunks } of formParts(request(files), 5, (bytes) => counts.push(bytes)))
    seen.push(`${name}: ${await readAll(chunks, 100, {})}`);
  t.strictSame(seen, ['episode: {}', ': abc']);
  t.strictSame(counts, [1, 1, 3]);
});

t.test('an error of the parser is a problem of the form, if the error handler does not know it', async (t) => {
  const reading = async (error: Error) => {
    async function* files() {
      yield { fieldname: 'npy', filename: 'a', file: chunksOf('a') };
      throw error;
    }
    for await (const { chunks } of formParts(request(files()), 5, () => {})) await readAll(chunks, 100, {});
  };
  const cut = new Error('Unexpected end of form');
  await t.rejects(reading(cut), { code: 'malformed-multipart', cause: cut });
  await t.rejects(reading(Object.assign(new Error('too many'), { code: 'FST_PARTS_LIMIT' })), {
    code: 'FST_PARTS_LIMIT',
  });
});

t.test('the parts of one episode may have any order, and frames are numbered as they arrive', async (t) => {
  const reader = recordingReader();
  const parts = [part('frames', 'a'), part('episode', '{"id"', ':"1"}'), part('frames', 'b'), part('npy', 'n')];
  await readMultipart(partsOf(...parts, part('video', 'v')), LIMITS, reader, json);
  t.strictSame(reader.received, [
    'image a at frames 0',
    'episode {"id":"1"} at ',
    'image b at frames 1',
    'npy n',
    'video v at video',
  ]);
  const read = (...parts: Parameters<typeof partsOf>) => readMultipart(partsOf(...parts), LIMITS, reader, json);
  const code = 'upload-too-large';
  await t.rejects(read(part('frames', 'x'.repeat(11))), { code, place: { part: 'frames', frame: 0, limit: 10 } });
  await t.rejects(read(part('episode', 'x'.repeat(100_000))), { code, place: { part: 'episode', limit: 75_536 } });
  await t.rejects(read(part('episodes', '{}')), { code: 'unexpected-part', message: /Did you mean `episode`/ });
});
