import t from 'tap';
import { withoutEmptyFields } from '../../src/upload/empty-fields.ts';
import { readAll } from '../../src/upload/form.ts';
import { chunksOf } from './support.ts';

type Part = [name: string, filename: string | undefined, ...chunks: string[]];

async function* partsOf(parts: Part[]) {
  for (const [name, filename, ...chunks] of parts) yield { name, filename, chunks: chunksOf(...chunks) };
}

t.test('a file field without a file is left out, and an empty part beside others of its name stays', async (t) => {
  const cases: [what: string, parts: Part[], kept: string[]][] = [
    [
      'a field without a name of a file',
      [
        ['npy', undefined],
        ['video', ''],
      ],
      [],
    ],
    ['a file of that name, without bytes', [['npy', 'a.npy']], ['npy=']],
    ['bytes without a name of a file', [['npy', '', 'a', 'b']], ['npy=ab']],
    [
      'a field that has no file',
      [
        ['episode', undefined],
        ['other', ''],
      ],
      ['episode=', 'other='],
    ],
    [
      'one before others',
      [
        ['frames', ''],
        ['frames', '', 'a'],
        ['frames', '', 'b'],
      ],
      ['frames=', 'frames=a', 'frames=b'],
    ],
    [
      'one between others',
      [
        ['frames', '', 'a'],
        ['frames', ''],
        ['frames', '', 'b'],
      ],
      ['frames=a', 'frames=', 'frames=b'],
    ],
    [
      'one after others',
      [
        ['frames', '', 'a'],
        ['frames', ''],
      ],
      ['frames=a', 'frames='],
    ],
    [
      'two without others',
      [
        ['frames', ''],
        ['frames', ''],
      ],
      ['frames=', 'frames='],
    ],
    [
      'each name alone',
      [
        ['frames', ''],
        ['npy', '', 'n'],
        ['video', ''],
      ],
      ['npy=n'],
    ],
    [
      'the order of other parts',
      [
        ['frames', ''],
        ['episode', undefined, '{}'],
        ['frames', '', 'a'],
      ],
      ['episode={}', 'frames=', 'frames=a'],
    ],
  ];
  for (const [what, parts, kept] of cases) {
    const seen: string[] = [];
    for await (const { name, chunks } of withoutEmptyFields(partsOf(parts)))
      seen.push(`${name}=${await readAll(chunks, 100, {})}`);
    t.strictSame(seen, kept, what);
  }
});

t.test('if a reader stops early, the stream of the part ends too', async (t) => {
  let isClosed = false;
  async function* chunks() {
    try {
      yield* chunksOf('a', 'b', 'c');
    } finally {
      isClosed = true;
    }
  }
  async function* parts() {
    yield { name: 'npy', filename: '', chunks: chunks() };
  }
  for await (const part of withoutEmptyFields(parts())) {
    for await (const chunk of part.chunks) {
      t.equal(`${chunk}`, 'a');
      break;
    }
    t.ok(isClosed);
  }
});
