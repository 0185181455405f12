import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { isMissing, type Need, onPath, runs, sourceOf } from '../support/needs.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** What is missing after all, and the line to type for it. */
export interface Lack {
  needs: Need[];
  command: string;
}

/** A package manager. */
interface Manager {
  name: 'apt' | 'brew';
  update: string[][];
  install: string[];
  /** What its commands start with when this process gives them; undefined: it may not. */
  prefix: string[] | undefined;
  /** What they start with when a person types them. */
  typed: string[];
}

/**
 * Installs what is missing of what tests need: with the system's package manager where this process is root or sudo asks
 * for no password, and with scripts that write below .cache.
 * @param say takes lines for people
 * @returns undefined when all is there
 */
export function provide(needs: readonly Need[], say: (line: string) => void): Lack | undefined {
  const wanted = [...new Set(needs.flatMap((need) => [...(sourceOf(need).after ?? []), need]))];
  const missing = wanted.filter((need) => !sourceOf(need).found());
  if (missing.length === 0) return undefined;
  const manager = packageManager();
  if (manager?.prefix) {
    const { prefix, update, install } = manager;
    // Each by itself: a package that this system does not have keeps no other one away.
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

/** The first that is there. brew has not been tried. */
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
  // brew refuses to run as root, and needs no rights beyond its user's.
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
