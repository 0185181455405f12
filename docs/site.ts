import { spawnSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

// node docs/site.ts build | dev: the site, with VitePress. Its packages are not the service's: they are installed here when needed.

const DOCS = fileURLToPath(new URL('.', import.meta.url));

/** Whether what is installed is what package-lock.json lists. */
function isInstalled(): boolean {
  const [installed, listed] = ['node_modules/.package-lock.json', 'package-lock.json'].map((file) => `${DOCS}${file}`);
  return existsSync(`${installed}`) && statSync(`${installed}`).mtimeMs >= statSync(`${listed}`).mtimeMs;
}

/** Runs a program in docs/ and ends this one if it fails. */
function run(file: string, ...args: string[]): void {
  const { status, error } = spawnSync(file, args, { cwd: DOCS, stdio: 'inherit' });
  if (error) throw error;
  if (status !== 0) process.exit(status ?? 1);
}

// No package needs its install script.
if (!isInstalled()) run('npm', 'ci', '--ignore-scripts', '--no-audit', '--no-fund');
run(process.execPath, 'node_modules/vitepress/bin/vitepress.js', process.argv[2] ?? 'build');
