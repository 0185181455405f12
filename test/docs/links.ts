import { readFileSync, statSync } from 'node:fs';
import { posix } from 'node:path';
import { type Link, type Page, parsePage } from './markdown.ts';

/**
 * Checks the links of a Markdown file that stay in the repository.
 * @param root the repository's folder, with a slash at its end
 * @returns the broken ones, each with its place
 */
export function brokenLinks(root: string, { file, links, anchors }: Page): string[] {
  return links.flatMap((link) => {
    const fault = faultOf(root, file, link, anchors);
    return fault ? [`${file}:${link.line}: ${link.url}: ${fault}`] : [];
  });
}

function faultOf(root: string, file: string, { url, isImage, alt }: Link, own: Set<string>): string | undefined {
  if (isImage && !alt.trim()) return 'an image without a text for those who do not see it';
  if (/^[a-z][a-z+.-]*:/i.test(url)) return undefined;
  if (url.startsWith('/')) return 'write the path from this file';
  const [path = '', anchor] = decodeURI(url).split('#');
  if (!path) return anchor && own.has(anchor) ? undefined : 'no such heading in this file';
  const target = posix.join(posix.dirname(file), path);
  if (target.startsWith('..')) return 'outside of the repository';
  const kind = statSync(`${root}${target}`, { throwIfNoEntry: false });
  if (!kind) return 'no such file';
  if (anchor === undefined) return undefined;
  if (kind.isDirectory()) return 'a folder has no headings';
  const text = readFileSync(`${root}${target}`, 'utf8');
  if (target.endsWith('.md')) return parsePage(target, text).anchors.has(anchor) ? undefined : 'no such heading';
  const line = /^L(\d+)(?:-L\d+)?$/.exec(anchor)?.[1];
  return line && Number(line) <= text.split('\n').length ? undefined : 'no such line';
}
