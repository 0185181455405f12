import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { type Need, onPath, runs, sourceOf } from '../support/needs.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** What is missing after all, and the line to type for it. */
export interface Lack {
  needs: Need[];
  command: string;
}

/** A package manager. */
interface Manager {
  name: 'apt' | 'brew';
  commands: (packages: string[]) => string[][];
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
  const missing = wanted.filter(isMissing);
  if (missing.length === 0) return undefined;
  const manager = packageManager();
  const packages = packagesOf(missing, manager);
  if (manager?.prefix && packages.length > 0) {
    for (const command of manager.commands(packages)) {
      const whole = [...manager.prefix, ...command];
      say(whole.join(' '));
      if (!succeeds(whole)) break;
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

const isMissing = (need: Need) => !sourceOf(need).found();

/** The first that is there. brew has not been tried. */
function packageManager(): Manager | undefined {
  const isRoot = process.getuid?.() === 0;
  if (onPath('apt-get')) {
    const install = ['apt-get', 'install', '-y', '-qq', '--no-install-recommends'];
    return {
      name: 'apt',
      commands: (packages) => [
        ['apt-get', 'update', '-qq'],
        [...install, ...packages],
      ],
      prefix: isRoot ? [] : runs('sudo', '-n', 'true') ? ['sudo', '-n'] : undefined,
      typed: isRoot ? [] : ['sudo'],
    };
  }
  if (!onPath('brew')) return undefined;
  // brew refuses to run as root, and needs no rights beyond its user's.
  const prefix = isRoot ? undefined : [];
  return { name: 'brew', commands: (packages) => [['brew', 'install', ...packages]], prefix, typed: [] };
}

function packagesOf(needs: Need[], manager: Manager | undefined): string[] {
  return manager ? [...new Set(needs.flatMap((need) => sourceOf(need)[manager.name] ?? []))] : [];
}

function typedCommand(needs: Need[], manager: Manager | undefined): string {
  const packages = packagesOf(needs, manager);
  const commands = packages.length > 0 && manager ? manager.commands(packages) : [];
  const typed = commands.map((command) => [...(manager?.typed ?? []), ...command].join(' '));
  return [...typed, ...needs.flatMap((need) => sourceOf(need).script ?? [])].join(' && ');
}

function succeeds([file = '', ...args]: string[]): boolean {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  return spawnSync(file, args, { cwd: ROOT, env, stdio: ['ignore', 'ignore', 'inherit'] }).status === 0;
}
