import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import ts from 'typescript';

/** How much of a source file was executed. */
export interface FileCoverage {
  /** path relative to the root */
  file: string;
  /** number of lines of code */
  lines: number;
  /** numbers of the lines of code that were not executed, rising */
  missed: number[];
  branches: { taken: number; all: number };
}

/** What c8 writes for a file: a count for each line and each branch. */
interface IstanbulFile {
  path: string;
  statementMap: Record<string, { start: { line: number } }>;
  s: Record<string, number>;
  b: Record<string, number[]>;
}

/** This source is AssemblyScript. It runs as WebAssembly, which V8 does not count. */
const NOT_COUNTED = ['src/frames/wasm/resample.ts'];

const C8 = createRequire(import.meta.url).resolve('c8/bin/c8.js');

/**
 * Reads what processes and threads wrote into the folder NODE_V8_COVERAGE, and adds it up for each file in `src`. A file that
 * nobody loaded counts too. Files without code are left out.
 * @param root folder that contains `src`
 */
export function readCoverage(folder: string, root: string): FileCoverage[] {
  const output = mkdtempSync(join(tmpdir(), 'coverage-report-'));
  try {
    const files = ['--all', '--src', 'src', '--include', 'src/**/*.ts', '--exclude', '**/*.d.ts', '--extension', '.ts'];
    const report = ['--reporter', 'json', '--reports-dir', output, '--temp-directory', folder, '--merge-async'];
    execFileSync(process.execPath, [C8, 'report', ...files, ...report], { cwd: root });
    const read = JSON.parse(readFileSync(join(output, 'coverage-final.json'), 'utf8')) as Record<string, IstanbulFile>;
    return Object.values(read)
      .map((each) => fileCoverage(each, relative(root, each.path)))
      .filter(({ file, lines }) => lines > 0 && !NOT_COUNTED.includes(file));
  } finally {
    rmSync(output, { recursive: true, force: true });
  }
}

function fileCoverage({ path, statementMap, s, b }: IstanbulFile, file: string): FileCoverage {
  const lines = codeLines(readFileSync(path, 'utf8'));
  const missed = Object.entries(statementMap).flatMap(([key, { start }]) => (s[key] === 0 ? [start.line] : []));
  const branches = Object.values(b).flat();
  return {
    file,
    lines: lines.size,
    missed: missed.filter((line) => lines.has(line)).sort((one, other) => one - other),
    branches: { taken: branches.filter((count) => count > 0).length, all: branches.length },
  };
}

/**
 * The lines of code of a source file: those on which a statement, an expression or one of its parts begins. Comments, empty lines,
 * closing brackets, types and imports are no code, and would make every file look well covered.
 */
export function codeLines(source: string): Set<number> {
  const file = ts.createSourceFile('source.ts', source, ts.ScriptTarget.Latest);
  const lines = new Set<number>();
  const visit = (node: ts.Node): void => {
    if (isErased(node) || ts.isImportDeclaration(node)) return;
    if (!ts.isBlock(node)) lines.add(file.getLineAndCharacterOfPosition(node.getStart(file)).line + 1);
    ts.forEachChild(node, visit);
  };
  for (const statement of file.statements) visit(statement);
  return lines;
}

/** Whether a node exists for the type checker only. */
function isErased(node: ts.Node): boolean {
  return (
    ts.isTypeNode(node) ||
    ts.isInterfaceDeclaration(node) ||
    ts.isTypeAliasDeclaration(node) ||
    ts.isTypeParameterDeclaration(node) ||
    (ts.isExportDeclaration(node) && node.isTypeOnly)
  );
}

/** Per cent of the lines of code that were executed, over all files. */
export function percent(files: readonly FileCoverage[]): number {
  const lines = files.reduce((sum, each) => sum + each.lines, 0);
  const missed = files.reduce((sum, each) => sum + each.missed.length, 0);
  return lines === 0 ? 0 : (100 * (lines - missed)) / lines;
}

/**
 * The lines to print: the sum, and the files with the most lines that were not executed.
 * @param most how many files are listed
 */
export function reportLines(files: readonly FileCoverage[], most: number): string[] {
  const total = (of: (each: FileCoverage) => number) => files.reduce((sum, each) => sum + of(each), 0);
  const [lines, missed] = [total((each) => each.lines), total((each) => each.missed.length)];
  const [taken, branches] = [total((each) => each.branches.taken), total((each) => each.branches.all)];
  const gaps = files
    .filter((each) => each.missed.length > 0)
    .sort((one, other) => other.missed.length - one.missed.length || one.file.localeCompare(other.file));
  return [
    ...gaps
      .slice(0, most)
      .map(
        (each) => `${String(each.missed.length).padStart(4)} of ${each.lines}  ${each.file}: ${ranges(each.missed)}`,
      ),
    ...(gaps.length > most ? [`and fewer lines in ${gaps.length - most} other files`] : []),
    `${percent(files).toFixed(1)} % of the lines of src were executed: ${lines - missed} of ${lines}; ${taken} of ${branches} branches`,
  ];
}

/** Writes rising numbers as ranges: `3-5, 9`. */
function ranges(numbers: readonly number[]): string {
  const found: [from: number, to: number][] = [];
  for (const number of numbers) {
    const last = found.at(-1);
    if (last && number === last[1] + 1) last[1] = number;
    else found.push([number, number]);
  }
  return found.map(([from, to]) => (from === to ? `${from}` : `${from}-${to}`)).join(', ');
}
