import { posix } from 'node:path';
import type { MarkdownRenderer } from 'vitepress';

/** Keeps of a fence's info string the language only: the rest is for `npm run test:docs`, and braces in it would mark lines. */
export function plainFences(md: MarkdownRenderer): void {
  md.core.ruler.push('plain-fences', ({ tokens }) => {
    for (const token of tokens) if (token.type === 'fence') token.info = token.info.trim().split(/\s/)[0] ?? '';
  });
}

/** Braces in `code` are text, as on a git host; Vue would read `{{ … }}` as an expression. */
export function plainCode(md: MarkdownRenderer): void {
  md.core.ruler.push('plain-code', ({ tokens }) => {
    for (const { children } of tokens)
      for (const token of children ?? []) if (token.type === 'code_inline') token.attrSet('v-pre', '');
  });
}

/**
 * Links to files outside docs/ are not pages of the site. They lead to the repository, or become text.
 * @param repository the URL of the repository's root folder, in which paths of files can be appended
 */
export function repositoryLinks(md: MarkdownRenderer, repository?: string): void {
  md.core.ruler.push('repository-links', ({ tokens, env }) => {
    const folder = posix.dirname(env.relativePath as string);
    for (const { children } of tokens) {
      // Links do not nest, so a closing token belongs to the last opening one.
      let isText = false;
      for (const token of children ?? []) {
        if (token.type === 'link_open') {
          const href = token.attrGet('href') ?? '';
          const file = fileOutside(folder, href);
          isText = file !== undefined && !repository;
          if (file !== undefined && repository) token.attrSet('href', `${repository.replace(/\/$/, '')}/${file}`);
          if (isText) Object.assign(token, { tag: 'span', attrs: [['title', file]] });
        } else if (token.type === 'link_close' && isText) token.tag = 'span';
      }
    }
  });
}

/** @returns the path from the repository's root, undefined for a page or another site */
function fileOutside(folder: string, href: string): string | undefined {
  if (/^([a-z]+:|\/|#)/i.test(href)) return undefined;
  const path = posix.join('docs', folder, href);
  return path.startsWith('docs/') ? undefined : path;
}
