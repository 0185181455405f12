import { readFileSync } from 'node:fs';
import t from 'tap';
import { filesToLint, lintText } from './lint.ts';
import { findWords, readWords } from './words.ts';

const found = async (file: string, text: string) =>
  (await lintText(file, text)).map(({ line, rule, message }) => `${line} ${rule}: ${message}`);

t.test('each row of the list finds its examples, and nothing in what it allows', async (t) => {
  for (const row of readWords(new URL('words.yml', import.meta.url))) {
    for (const text of row.finds) t.ok(findWords([row], text).length > 0, `finds: ${text}`);
    for (const text of row.allows) t.strictSame(findWords([row], text), [], `allows: ${text}`);
    t.ok(row.patterns.length > 0 && row.write);
  }
});

t.test('mistakes in a page are found, each with its line', async (t) => {
  const page = `# A picture of the episode

Good text, with a \`picture\` in code and 0.1 nats.
The model receives ten frames a
second. It is is so.

${'A sentence that never comes to its end and '.repeat(4)} stops.

| a table | with log p |
|---|---|
| [a link to a foreign page](picture.md) | a mispelled word |

\`\`\`json
{ "success": { "last": 3 }, "picture": 1 }
\`\`\`
`;
  const lines = await found('docs/page.md', page);
  for (const words of [
    '1 words: "picture": write frame',
    '4 words: "frames a second": write 10 frames per second',
    '5 words: "is is": write the word once',
    '7 sentences: a sentence of 37 words',
    '9 words: "log p"',
    '11 words: "foreign"',
    '11 spelling: "mispelled"',
    '14 old-names: ""success": { "last"" is now final_prefixes',
  ])
    t.ok(
      lines.some((line) => line.startsWith(words)),
      words,
    );
  t.equal(lines.length, 8, lines.join('\n'));
});

t.test('a term of one command is no mistake in its own files', async (t) => {
  const text = 'Each question is a request.\n';
  t.match(await found('docs/page.md', text), [/"question": write query/]);
  t.strictSame(await found('docs/reference/evaluate.md', text), []);
  t.strictSame(await found('clients/python/src/topreward/evaluate/scoring.py', `"""${text}"""\n`), []);
});

t.test('mistakes in descriptions of openapi.yaml are found', async (t) => {
  const document = `openapi: 3.1.0
info:
  title: The whole interface
paths:
  /picture:
    get:
      summary: Scores a picture
      description: |
        A first line.

        The numbers are those that were asked for.
      operationId: picture
      parameters:
        - name: picture
          description: >-
            A text of
            two lines, used to the
            letter.
        - description: "A \\"quoted\\" text
            with a foreign word."
`;
  t.strictSame(
    (await found('openapi.yaml', document)).map((line) => line.replace(/: write .*/, '')),
    [
      '3 words: "whole"',
      '7 words: "picture"',
      '11 words: "asked for"',
      '17 words: "to the letter"',
      '20 words: "foreign"',
    ],
  );
});

t.test('mistakes in comments and messages are found; other code is not read', async (t) => {
  const source = `import { picture } from './picture.ts';

/**
 * Reads a picture.
 * @param picture is held
 *   against the others
 */
export function read(picture: string) {
  const url = 'http://picture//whole'; // It is let go, \`as a picture\`.
  // A sentence on
  // two lines, to the
  // letter.
  if (picture) throw new Error(\`The whole of \${picture} is not there\`);
  return /\\/\\* whole \\*\\//.test('The file is foreign to us');
}
`;
  const rows = ['4 words: "picture"', '5 words: "held against"', '9 words: "let go"', '11 words: "to the letter"'];
  const messages = ['13 words: "whole"', '14 words: "foreign"'];
  const of = async (file: string) => (await found(file, source)).map((line) => line.replace(/: write .*/, ''));
  t.strictSame((await of('src/read.ts')).toSorted(), [...rows, ...messages].toSorted());
  t.strictSame((await of('test/read.ts')).toSorted(), rows.toSorted(), 'strings of tests are data');

  const python = `"""Reads a picture."""\n\npicture = "the whole"  # a foreign one\nurl = '# whole'\n`;
  t.match(await found('examples/python/read.py', python), [/^1 words: "picture"/, /^3 words: "foreign"/]);
  const html = '<html>\n<p title="A whole page">The <b>picture</b></p>\n<script>whole()</script></html>\n';
  t.match(await found('playground/index.html', html), [/^2 words: "whole"/, /^2 words: "picture"/]);
  const shell = '#!/usr/bin/env bash\n# The whole\nwhole\n';
  t.match(await found('test/run.sh', shell), [/^2 words: "whole"/]);
});

t.test('everything that people read is linted', async (t) => {
  const files = filesToLint();
  for (const file of [
    'README.md',
    'docs/how-to/calibrate.md',
    'docs/reference/api.md',
    'docs/explanation/method.md',
    'openapi.yaml',
    'playground/index.html',
    'src/server.ts',
    'examples/python/meta_world.py',
    'clients/python/src/topreward/client.py',
  ])
    t.ok(files.includes(file), file);
  t.notOk(files.some((file) => file.includes('node_modules')));
});

t.test('the words of the spelling list are sorted', async (t) => {
  const [, ...words] = readFileSync(new URL('spelling.txt', import.meta.url), 'utf8')
    .trim()
    .split('\n');
  t.strictSame(
    words,
    words.toSorted((a, b) => (a.toLowerCase() < b.toLowerCase() ? -1 : 1)),
  );
});
