import { existsSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';

/** The parts of the documentation and their pages, in reading order. A page that is not listed fails `npm run test:docs`. */
export const PARTS: readonly { title: string; folder: string; pages: readonly string[] }[] = [
  { title: 'Tutorial', folder: 'tutorial', pages: ['first-reward'] },
  {
    title: 'How-to guides',
    folder: 'how-to',
    pages: [
      ...[
        'python-client',
        'training-loop',
        'fleet-upload',
        'calibrate',
        'label-a-lerobot-dataset',
        'label-on-a-cluster',
        'evaluate-a-model',
        'score-video-files',
      ],
      ...['score-many-episodes', 'stream-prefixes', 'serve-a-model', 'run-in-production', 'several-engines'],
      ...['generate-a-client', 'embed-a-model'],
      'troubleshooting',
    ],
  },
  {
    title: 'Reference',
    folder: 'reference',
    pages: [
      ...['api', 'configuration', 'problems', 'warnings', 'metrics', 'exactness', 'benchmarks', 'video', 'calibration'],
      ...[
        'methods',
        'controls',
        'training-signals',
        'annotate',
        'evaluate',
        'evaluate-report',
        'embedded-engine',
        'glossary',
      ],
      'testing',
    ],
  },
  { title: 'Models', folder: '.', pages: ['models'] },
  {
    title: 'Explanation',
    folder: 'explanation',
    pages: ['method', 'one-pass', 'sizing', 'architecture', 'comparison'],
  },
];

/**
 * The sidebar: every page of PARTS that exists, under the title in its first heading.
 * @param docs the folder of the documentation
 */
export function sidebarOf(docs: string) {
  return PARTS.map(({ title, folder, pages }) => ({
    text: title,
    items: pages
      .map((page) => ({ link: posix.join('/', folder, page), file: join(docs, folder, `${page}.md`) }))
      .filter(({ file }) => existsSync(file))
      .map(({ link, file }) => ({ link, text: titleOf(readFileSync(file, 'utf8')) ?? link })),
  }));
}

/** @returns the text of the first heading, without backticks */
function titleOf(markdown: string): string | undefined {
  return /^# (.+)$/m.exec(markdown)?.[1]?.replaceAll('`', '');
}
