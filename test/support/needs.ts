import { execFileSync } from 'node:child_process';
import { accessSync, constants, existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isNewEnough, parseVersion } from '../../src/video/version.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** How something is found, and where it comes from. */
interface Source {
  found: () => boolean;
  /** Something else that will do where what is wanted cannot be installed. */
  willDo?: () => boolean;
  /** Debian packages */
  apt?: string[];
  /** Homebrew's names; nobody has tried them */
  brew?: string[];
  /** What has to be there before the script runs. */
  after?: Need[];
  /** Installs below .cache, as any user. */
  script?: string;
}

/** What tests need that npm does not bring. */
export type Need = keyof typeof NEEDS;

/** The Python for examples/python: PYTHON, or what test/python/install.sh makes. */
export const examplesPython = (): string => process.env['PYTHON'] ?? join(ROOT, '.cache/python/bin/python');

const SHELL = 'chromium-headless-shell';
const isChosen = () => Boolean(process.env['CHROMIUM']);

const NEEDS = {
  // Debian's browser without windows, which takes half the time of the whole one.
  chromium: {
    found: () => (isChosen() || process.platform !== 'linux' ? chromium() : onPath(SHELL)) !== undefined,
    willDo: () => chromium() !== undefined,
    apt: [SHELL],
    brew: ['chromium'],
  },
  curl: { found: () => onPath('curl') !== undefined, apt: ['curl'], brew: ['curl'] },
  ffmpeg: { found: isFfmpegNew, apt: ['ffmpeg'], brew: ['ffmpeg'] },
  python3: { found: () => runs('python3', '--version'), apt: ['python3'], brew: ['python3'] },
  // Linux alone has it.
  strace: { found: () => runs('strace', '-qq', '-o', '/dev/null', 'true'), apt: ['strace'] },
  // Debian splits venv off Python.
  venv: {
    found: () => runs('python3', '-c', 'import ensurepip, venv'),
    apt: ['python3', 'python3-venv'],
    brew: ['python3'],
  },
  // Meta-World draws with it, without a screen.
  osmesa: {
    found: () => runs('python3', '-c', 'import ctypes.util as u, sys; sys.exit(not u.find_library("OSMesa"))'),
    apt: ['python3', 'libosmesa6'],
    brew: ['python3', 'mesa'],
  },
  go: { found: () => onPath('go') !== undefined, apt: ['golang-go'], brew: ['go'] },
  // macOS has a javac that only says where to get one.
  java: { found: () => runs('javac', '-version'), apt: ['openjdk-17-jdk-headless'], brew: ['openjdk'] },
  // Debian alone has it as a package.
  jakarta: {
    found: () => existsSync('/usr/share/java/jakarta-annotation-api.jar'),
    apt: ['libjakarta-annotation-api-java'],
  },
  'examples/python': {
    found: () => runs(examplesPython(), 'test/python/ready.py', 'examples/python/requirements.txt'),
    after: ['venv', 'osmesa'],
    script: 'test/python/install.sh',
  },
  'test/clients': {
    found: () => runs('test/clients/install.sh', '--check'),
    after: ['venv', 'go', 'java', 'jakarta'],
    script: 'test/clients/install.sh',
  },
} satisfies Record<string, { found: () => boolean; after?: string[] } & Omit<Source, 'after'>>;

export const sourceOf = (need: Need): Source => NEEDS[need] as Source;

/** Whether tests have to do without: neither what is wanted is there, nor what will do. */
export function isMissing(need: Need): boolean {
  const { found, willDo } = sourceOf(need);
  return !found() && !willDo?.();
}

/** @param name what a source text calls a need */
export const isNeed = (name: string): name is Need => name in NEEDS;

/**
 * Options for tests that are skipped, with the reason, where this machine lacks what they need. `npm test` finds the
 * arguments in the source of the test file, to install what is missing before it starts: write them as literals.
 */
export function needing(...needs: Need[]): { skip: string | false } {
  const missing = needs.filter(isMissing);
  return { skip: missing.length > 0 && `needs ${missing.join(', ')}` };
}

/** @returns the browser's file: CHROMIUM, or the first on PATH */
export function chromium(): string | undefined {
  const { CHROMIUM } = process.env;
  if (CHROMIUM) return isExecutable(CHROMIUM) ? CHROMIUM : undefined;
  const names = [SHELL, 'chromium', 'chromium-browser', 'google-chrome'];
  return names.map(onPath).find((file) => file !== undefined);
}

/** @returns a program's file, undefined where PATH has none */
export function onPath(name: string): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  return folders.map((folder) => join(folder, name)).find(isExecutable);
}

/** Whether a program, called in the repository's root, exits with 0. */
export function runs(file: string, ...args: string[]): boolean {
  try {
    execFileSync(file, args, { cwd: ROOT, stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** As new as the service wants it. */
function isFfmpegNew(): boolean {
  if (!onPath('ffmpeg') || !onPath('ffprobe')) return false;
  const version = parseVersion(execFileSync('ffmpeg', ['-version'], { encoding: 'utf8' }));
  return version !== undefined && isNewEnough(version);
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
