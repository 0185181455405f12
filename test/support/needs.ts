import { execFileSync } from 'node:child_process';
import { accessSync, constants, existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isNewEnough, parseVersion } from '../../src/video/version.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** How to find something that tests need, and how to install it. */
interface Source {
  found: () => boolean;
  /** True if there is a substitute for something that cannot be installed. */
  willDo?: () => boolean;
  /** Debian packages */
  apt?: string[];
  /** Homebrew packages; not tested */
  brew?: string[];
  /** Other needs that the script requires. */
  after?: Need[];
  /** A script that installs into .cache. It needs no special rights. */
  script?: string;
}

/** Something that tests need and npm does not install. */
export type Need = keyof typeof NEEDS;

const PYTHON_REQUIREMENTS = ['clients/python/requirements-dev.txt', 'examples/python/requirements.txt'];

/** The Python for clients/python and examples/python: PYTHON, or the one that test/python/install.sh installs. */
export const examplesPython = (): string => process.env['PYTHON'] ?? join(ROOT, '.cache/python/bin/python');

/** Whether the environment in .cache that an install.sh makes has the packages of its requirements.txt. */
const hasPackages = (name: 'lerobot' | 'ray') =>
  runs(join(ROOT, `.cache/${name}/bin/python`), 'test/python/lacking.py', `test/${name}/requirements.txt`);

const SHELL = 'chromium-headless-shell';
const isChosen = () => Boolean(process.env['CHROMIUM']);

const NEEDS = {
  // Debian's headless browser takes half the time of the full browser.
  chromium: {
    found: () => (isChosen() || process.platform !== 'linux' ? chromium() : onPath(SHELL)) !== undefined,
    willDo: () => chromium() !== undefined,
    apt: [SHELL],
    brew: ['chromium'],
  },
  curl: { found: () => onPath('curl') !== undefined, apt: ['curl'], brew: ['curl'] },
  ffmpeg: { found: isFfmpegNew, apt: ['ffmpeg'], brew: ['ffmpeg'] },
  python3: { found: () => runs('python3', '--version'), apt: ['python3'], brew: ['python3'] },
  // strace exists only on Linux.
  strace: { found: () => runs('strace', '-qq', '-o', '/dev/null', 'true'), apt: ['strace'] },
  // Debian has venv in a separate package.
  venv: {
    found: () => runs('python3', '-c', 'import ensurepip, venv'),
    apt: ['python3', 'python3-venv'],
    brew: ['python3'],
  },
  // Meta-World renders with it, without a display.
  osmesa: {
    found: () => runs('python3', '-c', 'import ctypes.util as u, sys; sys.exit(not u.find_library("OSMesa"))'),
    apt: ['python3', 'libosmesa6'],
    brew: ['python3', 'mesa'],
  },
  go: { found: () => onPath('go') !== undefined, apt: ['golang-go'], brew: ['go'] },
  // macOS has a javac that only prints where to get a real one.
  java: { found: () => runs('javac', '-version'), apt: ['openjdk-17-jdk-headless'], brew: ['openjdk'] },
  // Only Debian has a package for it.
  jakarta: {
    found: () => existsSync('/usr/share/java/jakarta-annotation-api.jar'),
    apt: ['libjakarta-annotation-api-java'],
  },
  'examples/python': {
    found: () => runs(examplesPython(), 'test/python/ready.py', 'clients/python', ...PYTHON_REQUIREMENTS),
    after: ['venv', 'osmesa'],
    script: 'test/python/install.sh',
  },
  lerobot: {
    found: () => hasPackages('lerobot'),
    after: ['venv'],
    script: 'test/lerobot/install.sh',
  },
  ray: {
    found: () => hasPackages('ray'),
    after: ['venv'],
    script: 'test/ray/install.sh',
  },
  // Its daemons are in /usr/sbin, which need not be on PATH. Only Debian's packages are tested.
  slurm: {
    found: () => onPath('sbatch') !== undefined && existsSync('/usr/sbin/slurmctld') && existsSync('/usr/sbin/slurmd'),
    apt: ['slurm-client', 'slurmctld', 'slurmd', 'munge'],
  },
  haproxy: { found: () => runs('haproxy', '-v'), apt: ['haproxy'], brew: ['haproxy'] },
  vllm: {
    found: () => runs('.cache/vllm/bin/vllm', '--version'),
    after: ['venv'],
    script: 'docker/vllm/cpu-install.sh',
  },
  'vllm-router': {
    found: () => runs('test/pool/install.sh', '--check'),
    after: ['venv'],
    script: 'test/pool/install.sh',
  },
  'test/clients': {
    found: () => runs('test/clients/install.sh', '--check'),
    after: ['venv', 'go', 'java', 'jakarta'],
    script: 'test/clients/install.sh',
  },
} satisfies Record<string, { found: () => boolean; after?: string[] } & Omit<Source, 'after'>>;

export const sourceOf = (need: Need): Source => NEEDS[need] as Source;

/** Whether a need is missing: neither it nor a substitute is there. */
export function isMissing(need: Need): boolean {
  const { found, willDo } = sourceOf(need);
  return !found() && !willDo?.();
}

/** @param name the name in the source of a test */
export const isNeed = (name: string): name is Need => name in NEEDS;

/**
 * Options for tests that are skipped, with a reason, if this machine lacks what they need. Write the arguments as
 * literals: `npm test` reads them in the source of the test file and installs missing needs before the tests start.
 */
export function needing(...needs: Need[]): { skip: string | false } {
  const missing = needs.filter(isMissing);
  return { skip: missing.length > 0 && `needs ${missing.join(', ')}` };
}

/** @returns the path of the browser: CHROMIUM, or the first one on PATH */
export function chromium(): string | undefined {
  const { CHROMIUM } = process.env;
  if (CHROMIUM) return isExecutable(CHROMIUM) ? CHROMIUM : undefined;
  const names = [SHELL, 'chromium', 'chromium-browser', 'google-chrome'];
  return names.map(onPath).find((file) => file !== undefined);
}

/** @returns the path of a program; undefined if it is not on PATH */
export function onPath(name: string): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  return folders.map((folder) => join(folder, name)).find(isExecutable);
}

/** Whether a program, run in the root folder of the repository, exits with 0. */
export function runs(file: string, ...args: string[]): boolean {
  try {
    execFileSync(file, args, { cwd: ROOT, stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** Whether ffmpeg is as new as the service requires. */
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
