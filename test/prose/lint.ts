import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { TextlintKernel } from '@textlint/kernel';
import markdown from '@textlint/textlint-plugin-markdown';
import { type Passage, passagesOf } from './passages.ts';
import { type Kind, RULES } from './rules.ts';

// node test/prose/lint.ts [FILE…]: the language of what people read. Exit code 1 when something is found.

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** Texts that are Markdown. */
const PAGES = [
  ...['*.md', '.github/**/*.md', 'docs/*.md', 'docs/{tutorial,how-to,reference,explanation}/*.md'],
  ...['examples/README.md', 'clients/python/README.md', 'models/topreward-pico/README.md', 'test/engine/README.md'],
];
/** Files with comments, messages or descriptions. */
const OTHERS = [
  ...['openapi.yaml', 'playground/*.{html,js,css}', 'docs/*.ts', 'docs/.vitepress/*.ts', 'docs/.vitepress/theme/*'],
  ...['src', 'routes', 'schemas'].map((folder) => `${folder}/**/*.ts`),
  ...[
    'test/**/*.{ts,py,sh}',
    'examples/**/*.{ts,py}',
    'clients/python/{src,tests}/**/*.py',
    'clients/python/*.{py,sh}',
    'models/recipe/*.{py,sh}',
    'docker/**/Dockerfile',
    '.ci/run',
  ],
];

/** Something to change. */
export interface Finding {
  file: string;
  line: number;
  rule: string;
  message: string;
}

/** @param file decides how the text is read: as Markdown, or as a source file with prose in it */
export async function lintText(file: string, text: string): Promise<Finding[]> {
  if (file.endsWith('.md')) return lintMarkdown(file, text, file.startsWith('CHANGELOG') ? 'changelog' : 'page');
  const passages = passagesOf(file, text);
  const { lines, origins } = joined(passages);
  const findings = await lintMarkdown(file, lines.join('\n'), file.endsWith('.yaml') ? 'page' : 'comment');
  return findings.map((finding) => ({ ...finding, line: origins[finding.line - 1] ?? 0 }));
}

/** Passages as paragraphs of one text, and the line in the file for each line of it. */
function joined(passages: Passage[]): { lines: string[]; origins: number[] } {
  const lines: string[] = [];
  const origins: number[] = [];
  for (const { line, lines: own } of passages)
    for (const [i, text] of [...own, ''].entries()) {
      // A tag of a comment is a paragraph.
      if (text.startsWith('@') && i > 0) {
        lines.push('');
        origins.push(line + i);
      }
      lines.push(text);
      origins.push(line + i);
    }
  return { lines, origins };
}

async function lintMarkdown(file: string, text: string, kind: Kind): Promise<Finding[]> {
  const { messages } = await new TextlintKernel().lintText(text, {
    ext: '.md',
    filePath: file,
    plugins: [{ pluginId: 'markdown', plugin: markdown.default }],
    rules: RULES[kind],
  });
  return messages.map(({ loc, ruleId, message }) => ({ file, line: loc.start.line, rule: ruleId, message }));
}

/** Written by a program from openapi.yaml, which is linted itself. */
const GENERATED = 'clients/python/src/topreward/_contract.py';

export const filesToLint = (): string[] =>
  [...new Set([...PAGES, ...OTHERS].flatMap((pattern) => globSync(pattern, { cwd: ROOT })))].filter(
    (file) => file !== GENERATED,
  );

if (import.meta.main) {
  const { positionals } = parseArgs({ allowPositionals: true });
  const files = positionals.length > 0 ? positionals : filesToLint();
  let count = 0;
  for (const file of files) {
    const findings = await lintText(file, readFileSync(join(ROOT, file), 'utf8'));
    for (const { line, rule, message } of findings) console.log(`${file}:${line}: ${message} (${rule})`);
    count += findings.length;
  }
  console.log(`${count} findings in ${files.length} files`);
  process.exitCode = count > 0 ? 1 : 0;
}
