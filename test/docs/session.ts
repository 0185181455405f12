import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import type { Test } from 'tap';
import { examplesPython } from '../support/needs.ts';
import { type Server, startServer } from '../support/server.ts';
import { type Step, variablesOf } from './blocks.ts';
import { difference } from './compare.ts';
import { ROOT, repositoryFiles } from './markdown.ts';
import { type Place, type Printed, runProgram, startPython } from './programs.ts';

/** The address in the documentation. The tests replace it by that of the service which they start. */
const ADDRESS = '127.0.0.1:8080';

/** What is wrong with a block, and what it printed. */
interface Wrong {
  wrong: string;
  printed: string;
}

/**
 * Makes what the blocks of a page need: a copy of the repository, a service, a shell and a Python interpreter.
 * @param page its file, for tracebacks
 * @returns a function that does a step of the page
 */
export async function startSession(t: Test, page: string): Promise<(step: Step) => Promise<Wrong | undefined>> {
  const scratch = t.testdir({});
  const copy = join(scratch, 'topreward-server');
  const paths = [dirname(examplesPython()), join(ROOT, 'node_modules/.bin'), process.env['PATH']];
  const place: Place = {
    folder: copy,
    env: { ...definedVariables(), PATH: paths.join(delimiter), MUJOCO_GL: 'osmesa', PYTHONDONTWRITEBYTECODE: '1' },
    scratch,
  };
  let server: Server = await startServer(t);
  let python: ReturnType<typeof startPython> | undefined;
  let last: Printed | undefined;

  const host = () => new URL(server.address).host;
  const real = (text: string) => text.replaceAll(ADDRESS, host());
  const documented = (text: string) => text.replaceAll(host(), ADDRESS).replaceAll(scratch, '');

  const run = async (lang: string, code: string, line: number): Promise<Printed> => {
    if (lang === 'python') {
      python ??= startPython(t, place.env);
      return python(code, `${page}:${line}`, place);
    }
    if (lang === 'sh' || lang === 'bash') return runShell(t, place, code);
    const file = join(place.folder, `block-${line}.${lang === 'ts' ? 'mts' : 'mjs'}`);
    writeFileSync(file, code);
    const printed = await runProgram(t, place, process.execPath, file);
    rmSync(file);
    return printed;
  };

  copyRepository(copy, real);
  return async (step) => {
    if (step.does === 'compare') {
      const differs = difference(step.lang, step.expected, last?.stdout ?? '');
      return differs === undefined ? undefined : { wrong: differs, printed: last?.stdout ?? '' };
    }
    if (step.does === 'serve') {
      server.process.kill();
      server = await startServer(t, step.env);
      return undefined;
    }
    if (step.does === 'save') {
      const file = join(place.folder, step.file);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, `${real(step.code)}\n`);
      return undefined;
    }
    const { lang, exit } = step.does === 'run' ? step : { lang: 'sh', exit: 0 };
    const { code, ...output } = await run(lang, real(step.code), step.line);
    const printed = { code, stdout: documented(output.stdout), stderr: documented(output.stderr) };
    if (step.does === 'run') last = printed;
    if (code === exit) return undefined;
    return { wrong: `exit code ${code}, expected ${exit}`, printed: printed.stdout + printed.stderr };
  };
}

/**
 * Copies what is tracked or new. Examples have the documentation's address as their default; it is replaced too.
 * Node finds packages in the real repository, which holds the folders of tests.
 */
function copyRepository(copy: string, real: (text: string) => string): void {
  for (const file of repositoryFiles()) {
    const target = join(copy, file);
    mkdirSync(dirname(target), { recursive: true });
    if (/^examples\/.*\.(py|ts|sh)$/.test(file)) writeFileSync(target, real(readFileSync(join(ROOT, file), 'utf8')));
    else copyFileSync(join(ROOT, file), target);
  }
}

/** Runs commands with bash. The place takes on the folder and the exported variables that they end with. */
async function runShell(t: Test, place: Place, code: string): Promise<Printed> {
  const state = join(place.scratch, 'state');
  rmSync(state, { force: true });
  const keep = `trap 'code=$?; { pwd; env -0; } >"$BLOCK_STATE"; exit $code' EXIT`;
  const here = { ...place, env: { ...place.env, BLOCK_STATE: state } };
  const printed = await runProgram(t, here, 'bash', '-c', `set -euo pipefail\n${keep}\n${code}\n`);
  if (existsSync(state)) {
    const text = readFileSync(state, 'utf8');
    const end = text.indexOf('\n');
    place.folder = text.slice(0, end);
    place.env = variablesOf(text.slice(end + 1).split('\0'));
  }
  return printed;
}

function definedVariables(): Record<string, string> {
  return Object.fromEntries(
    Object.entries(process.env).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}
