import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitepress';
import { plainCode, plainFences, repositoryLinks } from './markdown.ts';
import { sidebarOf } from './pages.ts';
import { slugOf } from './slug.ts';

const DOCS = fileURLToPath(new URL('..', import.meta.url));

/**
 * The documentation as a site. Environment variables, all optional:
 * - DOCS_BASE: the path that the site is served at, `/` by default
 * - DOCS_REPOSITORY: the URL of a folder view of the repository, for links to files outside docs/. Without it they are text.
 */
export default defineConfig({
  lang: 'en',
  title: 'topreward-server',
  description: 'Progress rewards for robot videos over HTTP',
  base: process.env['DOCS_BASE'] ?? '/',
  head: [['link', { rel: 'icon', type: 'image/svg+xml', href: `${process.env['DOCS_BASE'] ?? '/'}icon.svg` }]],
  markdown: {
    anchor: { slugify: slugOf },
    config: (md) => {
      plainFences(md);
      plainCode(md);
      repositoryLinks(md, process.env['DOCS_REPOSITORY']);
    },
  },
  themeConfig: {
    logo: { src: '/icon.svg', alt: '' },
    search: { provider: 'local' },
    sidebar: sidebarOf(DOCS),
    outline: [2, 3],
    externalLinkIcon: true,
  },
});
