import t from 'tap';
import { scriptOf } from './blocks.ts';
import { pagesWithBlocks, parsePage, readPage } from './markdown.ts';

const scripts = pagesWithBlocks().map((file) => ({ file, ...scriptOf(readPage(file)) }));

t.test('every code block has a language, and every program is run or says why not', async (t) => {
  t.strictSame(
    scripts.flatMap(({ faults }) => faults),
    [],
  );
  for (const { file, notRun } of scripts)
    for (const { line, lang, reason } of notRun) t.comment(`not run: ${file}:${line} (${lang}): ${reason}`);
});

const page = (text: string) => scriptOf(parsePage('page.md', text));
const fence = (info: string, code = '') => `\`\`\`${info}\n${code}\n\`\`\`\n`;

t.test('blocks and comments are read in the order of the page', async (t) => {
  const { steps, notRun, faults } = page(
    [
      '<!-- service: API_KEYS=lab=secret MAX_FRAMES=3 -->\n',
      '<!-- setup\nls\n-->\n',
      fence('sh run exit=1', 'false'),
      fence('text output', '…'),
      '1. step\n\n   ```python file="a.py"\n   x = 1\n   ```\n',
      fence('sh no-run="needs a GPU"', 'nvidia-smi'),
    ].join('\n'),
  );
  t.strictSame(faults, []);
  t.match(steps, [
    { does: 'serve', env: { API_KEYS: 'lab=secret', MAX_FRAMES: '3' } },
    { does: 'setup', code: /^ls/ },
    { does: 'run', lang: 'sh', code: 'false', exit: 1 },
    { does: 'compare', expected: '…' },
    { does: 'save', file: 'a.py', code: 'x = 1' },
  ]);
  t.match(notRun, [{ lang: 'sh', reason: 'needs a GPU' }]);
});

t.test('mistakes are found', async (t) => {
  for (const [text, fault] of [
    [fence('sh', 'ls'), 'page.md:1: ```sh needs one of'],
    [fence('sh run no-run="why"', 'ls'), 'needs one of'],
    [fence('java run'), 'cannot run java'],
    [fence('', 'ls'), 'without a language'],
    ['text\n\n    indented\n', 'page.md:3: a code block without a language'],
    [fence('sh runs', 'ls'), 'unknown word "runs"'],
    [fence('text output'), 'no `run` block before'],
    [fence('yaml output', 'a: 1'), 'output is one of'],
    [fence('json', "{ 'a': 1 }"), 'not valid json'],
    [fence('jsonl', '{ "a": 1 }\n{ "a": '), 'not valid jsonl'],
    [fence('yaml', 'a: [1'), 'not valid yaml'],
  ] as const)
    t.match(page(text).faults[0], fault);
  t.strictSame(page(fence('json', '{ "a": [1, …, 3], … }')).faults, []);
});
