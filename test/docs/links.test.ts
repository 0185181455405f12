import t from 'tap';
import { brokenLinks } from './links.ts';
import { parsePage, ROOT, readPage, repositoryFiles } from './markdown.ts';

t.test('every link of every Markdown file leads somewhere', async (t) => {
  const files = repositoryFiles().filter((file) => file.endsWith('.md'));
  t.ok(files.includes('README.md'));
  t.strictSame(
    files.flatMap((file) => brokenLinks(ROOT, readPage(file))),
    [],
  );
});

t.test('broken links are found', async (t) => {
  const root = `${t.testdir({
    docs: { 'a.md': '# One\n\n## `Two` words: a, b\n\n## Twice\n\n## Twice\n', 'x.ts': '1\n2\n', 'p.svg': '' },
  })}/`;
  const broken = (text: string) => brokenLinks(root, parsePage('docs/b.md', `# Own\n\n${text}\n`));
  for (const link of [
    '[a](a.md)',
    '[a](a.md#one)',
    '[a](a.md#two-words-a-b)',
    '[a](../docs/a.md#twice-1)',
    '[a](#own)',
    '[a](x.ts#L2)',
    '[a](../docs)',
    '[a](https://example.org/none#none)',
    '![a curve](p.svg)',
    '[a][b]\n\n[b]: a.md',
  ])
    t.strictSame(broken(link), [], link);
  for (const [link, fault] of [
    ['[a](none.md)', 'docs/b.md:3: none.md: no such file'],
    ['[a](a.md#three)', 'no such heading'],
    ['[a](a.md#twice-2)', 'no such heading'],
    ['[a](#other)', 'no such heading in this file'],
    ['[a](x.ts#L9)', 'no such line'],
    ['[a](../../elsewhere)', 'outside of the repository'],
    ['[a](/docs/a.md)', 'write the path from this file'],
    ['![](p.svg)', 'without a text'],
    ['[a][b]\n\n[b]: none.md', 'no such file'],
  ] as const)
    t.match(broken(link)[0], fault, link);
});
