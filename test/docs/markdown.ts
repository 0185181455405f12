import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from '@textlint/markdown-to-ast';
import { slugOf } from '../../docs/.vitepress/slug.ts';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** A node of a parsed page: the fields that the checks of the documentation read. */
interface Node {
  type: string;
  children?: Node[];
  value?: string;
  lang?: string | null;
  meta?: string | null;
  url?: string;
  alt?: string | null;
  loc: { start: { line: number } };
}

/** A fenced or indented code block. */
export interface CodeBlock {
  line: number;
  /** undefined when the fence names none, and for an indented block */
  lang: string | undefined;
  /** what follows the language in the fence */
  meta: string;
  code: string;
}

/** A link or an image. */
export interface Link {
  line: number;
  url: string;
  isImage: boolean;
  /** text that stands for an image */
  alt: string;
}

/** A Markdown file, parsed. */
export interface Page {
  /** from the repository's root */
  file: string;
  blocks: CodeBlock[];
  links: Link[];
  /** HTML on lines of its own, comments too */
  html: { line: number; text: string }[];
  headings: { line: number; depth: number; text: string }[];
  /** what a link to this page can have after `#` */
  anchors: Set<string>;
}

/** Every file of the repository that is tracked, or new and not ignored. */
export function repositoryFiles(): string[] {
  const list = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], { cwd: ROOT });
  return list
    .toString()
    .split('\0')
    .filter((file) => file && existsSync(join(ROOT, file)));
}

/** The pages whose code blocks are checked: README.md and the documentation. */
export const pagesWithBlocks = (): string[] =>
  repositoryFiles().filter((file) => file === 'README.md' || (file.startsWith('docs/') && file.endsWith('.md')));

export const readPage = (file: string): Page => parsePage(file, readFileSync(join(ROOT, file), 'utf8'));

export function parsePage(file: string, text: string): Page {
  const page: Page = { file, blocks: [], links: [], html: [], headings: [], anchors: new Set() };
  visit(parse(text) as unknown as Node, page);
  for (const { text } of page.headings) page.anchors.add(freshAnchor(slugOf(text), page.anchors));
  for (const [, id = ''] of text.matchAll(/<[a-z]+ (?:id|name)="([^"]+)"/g)) page.anchors.add(id);
  return page;
}

function visit(node: Node, page: Page): void {
  const { line } = node.loc.start;
  if (node.type === 'CodeBlock')
    page.blocks.push({ line, lang: node.lang ?? undefined, meta: node.meta ?? '', code: node.value ?? '' });
  if (node.type === 'Html') page.html.push({ line, text: node.value ?? '' });
  if (node.type === 'Header') page.headings.push({ line, depth: depthOf(node), text: textOf(node) });
  if (['Link', 'Image', 'Definition'].includes(node.type))
    page.links.push({ line, url: node.url ?? '', isImage: node.type === 'Image', alt: node.alt ?? '' });
  for (const child of node.children ?? []) visit(child, page);
}

const depthOf = (heading: Node) => (heading as Node & { depth: number }).depth;

/** The text of a node and of those in it; HTML tags are not text. */
function textOf({ type, value, children = [] }: Node): string {
  return type === 'Html' ? '' : (value ?? children.map(textOf).join(''));
}

/** A second heading with the same text gets `-1`, a third `-2`. */
function freshAnchor(slug: string, taken: Set<string>): string {
  if (!taken.has(slug)) return slug;
  let number = 1;
  while (taken.has(`${slug}-${number}`)) number += 1;
  return `${slug}-${number}`;
}
