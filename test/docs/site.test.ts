import { execFileSync } from 'node:child_process';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fastifyStatic from '@fastify/static';
import fastify from 'fastify';
import t from 'tap';
import { PARTS } from '../../docs/.vitepress/pages.ts';
import { startBrowser } from '../playground/support.ts';
import { needing } from '../support/needs.ts';
import { ROOT, readPage, repositoryFiles } from './markdown.ts';

const browser = startBrowser(t);
const SITE = join(ROOT, 'docs/.vitepress/dist');
const pages = repositoryFiles().filter((file) => /^docs\/.*\.md$/.test(file));
const fileOf = (page: string) => page.replace(/^docs\//, '').replace(/md$/, 'html');

t.setTimeout(300_000);

// VitePress ends with an error where a link leads to no page.
execFileSync('npm', ['run', '--silent', 'docs'], { cwd: ROOT, stdio: ['ignore', 'ignore', 'inherit'] });

t.test('the configuration has no type errors', async () => {
  execFileSync('tsc', ['-p', 'docs'], { cwd: ROOT, stdio: ['ignore', 2, 2] });
});

t.test('the sidebar has every page', async (t) => {
  const listed = PARTS.flatMap(({ folder, pages }) => pages.map((page) => join('docs', folder, `${page}.md`)));
  t.strictSame(pages.toSorted(), [...listed, 'docs/index.md'].toSorted());
});

t.test('there is one HTML page for each Markdown file, and the search knows each', async (t) => {
  const built = globSync('**/*.html', { cwd: SITE }).filter((file) => file !== '404.html');
  t.strictSame(built.toSorted(), pages.map(fileOf).toSorted());
  const [index = ''] = globSync('assets/**/@localSearchIndex*.js', { cwd: SITE });
  const known = readFileSync(join(SITE, index), 'utf8');
  for (const page of pages) {
    const path = fileOf(page).replace(/index\.html$/, '');
    t.ok(known.includes(`"/${path}#`), path);
  }
});

t.test('every anchor of a heading is the same on the site', async (t) => {
  for (const page of pages) {
    const html = readFileSync(join(SITE, fileOf(page)), 'utf8');
    const missing = [...readPage(page).anchors].filter((anchor) => !html.includes(`id="${anchor}"`));
    t.strictSame(missing, [], page);
  }
});

t.test('nothing in the pages loads from another host', async (t) => {
  const loads = /<(?:script|img|iframe|source|video|link)\b[^>]*?\b(?:src|href|srcset)="([^"]*)"/g;
  for (const file of globSync('**/*.html', { cwd: SITE })) {
    const html = readFileSync(join(SITE, file), 'utf8');
    const outside = [...html.matchAll(loads)].map(([, url = '']) => url).filter((url) => /^(https?:)?\/\//.test(url));
    t.strictSame(outside, [], file);
    t.notMatch(
      html,
      /href="[^"]*\.\.\/(src|test|README)/,
      'links to files of the repository are not links of the site',
    );
  }
  for (const file of globSync('**/*.css', { cwd: SITE }))
    t.notMatch(readFileSync(join(SITE, file), 'utf8'), /@import|url\(["']?(https?:)?\/\//, file);
});

t.test('a reader searches and finds, and no other host is asked', needing('chromium'), async (t) => {
  const server = fastify();
  server.register(fastifyStatic, { root: SITE });
  const origin = await server.listen({ host: '127.0.0.1', port: 0 });
  t.teardown(() => server.close());
  const context = await (await browser()).newContext({ viewport: { width: 1280, height: 900 } });
  t.teardown(() => context.close());
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  const faults: string[] = [];
  page.on('pageerror', (error) => faults.push(error.message));
  page.on('request', (request) => {
    if (!request.url().startsWith(`${origin}/`) && !request.url().startsWith('data:')) faults.push(request.url());
  });
  for (const file of pages) {
    await page.goto(`${origin}/${fileOf(file)}`);
    await page.locator('h1').waitFor();
  }
  await page.goto(`${origin}/`, { waitUntil: 'networkidle' });
  await page.keyboard.press('Control+k');
  await page.locator('.VPLocalSearchBox input').fill('calibrat');
  const found = page.locator('.VPLocalSearchBox .result').first();
  await found.waitFor();
  await found.click();
  await page.waitForURL(/calibrat/);
  t.strictSame(faults, []);
  t.ok(existsSync(join(SITE, 'icon.svg')));
});
