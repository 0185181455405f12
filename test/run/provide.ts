import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { isMissing, type Need, onPath, runs, sourceOf } from '../support/needs.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** The needs that are still missing, and the command to install them. */
export interface Lack {
  needs: Need[];
  command: string;
}

/** A package manager. */
interface Manager {
  name: 'apt' | 'brew';
  update: string[][];
  install: string[];
  /** First words of each command when this process runs it; undefined if this process is not permitted to install. */
  prefix: string[] | undefined;
  /** First words of each command when a person types it. */
  typed: string[];
}

/**
 * Installs missing needs of tests. It uses the system's package manager if this process is root or sudo asks for no
 * password, and scripts that write into .cache.
 * @param say prints a line
 * @returns undefined if nothing is missing
 */
export function provide(needs: readonly Need[], say: (line: string) => void): Lack | undefined {
  const wanted = [...new Set(needs.flatMap((need) => [...(sourceOf(need).after ?? []), need]))];
  const missing = wanted.filter((need) => !sourceOf(need).found());
  if (missing.length === 0) return undefined;
  const manager = packageManager();
  if (manager?.prefix) {
    const { prefix, update, install } = manager;
    // Each need is installed separately, so that an unknown package does not prevent the others.
    const packages = missing.map((need) => packagesOf([need], manager)).filter(({ length }) => length > 0);
    const commands = packages.length > 0 ? [...update, ...packages.map((names) => [...install, ...names])] : [];
    for (const command of commands) {
      say([...prefix, ...command].join(' '));
      succeeds([...prefix, ...command]);
    }
  }
  for (const { script, after = [] } of missing.map(sourceOf)) {
    if (!script || after.some(isMissing)) continue;
    say(script);
    if (!succeeds([script])) break;
  }
  const lacking = missing.filter(isMissing);
  return lacking.length > 0 ? { needs: lacking, command: typedCommand(lacking, manager) } : undefined;
}

/** The first package manager that is found. brew has not been tested. */
function packageManager(): Manager | undefined {
  const isRoot = process.getuid?.() === 0;
  if (onPath('apt-get')) {
    return {
      name: 'apt',
      update: [['apt-get', 'update', '-qq']],
      install: ['apt-get', 'install', '-y', '-qq', '--no-install-recommends'],
      prefix: isRoot ? [] : runs('sudo', '-n', 'true') ? ['sudo', '-n'] : undefined,
      typed: isRoot ? [] : ['sudo'],
    };
  }
  if (!onPath('brew')) return undefined;
  // brew refuses to run as root, and needs no special rights.
  const prefix = isRoot ? undefined : [];
  return { name: 'brew', update: [], install: ['brew', 'install'], prefix, typed: [] };
}

function packagesOf(needs: Need[], manager: Manager | undefined): string[] {
  return manager ? [...new Set(needs.flatMap((need) => sourceOf(need)[manager.name] ?? []))] : [];
}

function typedCommand(needs: Need[], manager: Manager | undefined): string {
  const packages = packagesOf(needs, manager);
  const commands = packages.length > 0 && manager ? [...manager.update, [...manager.install, ...packages]] : [];
  const typed = commands.map((command) => [...(manager?.typed ?? []), ...command].join(' '));
  return [...typed, ...needs.flatMap((need) => sourceOf(need).script ?? [])].join(' && ');
}

function succeeds([file = '', ...args]: string[]): boolean {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  return spawnSync(file, args, { cwd: ROOT, env, stdio: ['ignore', 'ignore', 'inherit'] }).status === 0;
}
