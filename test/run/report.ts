import type { FileReport } from './run-file.ts';

/** Passed, failed and skipped tests. */
export interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

/** The line that ends every run, alone on its line. */
export const closingLine = ({ passed, failed, skipped }: Counts): string =>
  `${passed} passed, ${failed} failed, ${skipped} skipped`;

/** @returns the counts, where a line is such a one */
export function readClosingLine(line: string): Counts | undefined {
  const [, passed, failed, skipped] = /^(\d+) passed, (\d+) failed, (\d+) skipped$/.exec(line) ?? [];
  return skipped === undefined
    ? undefined
    : { passed: Number(passed), failed: Number(failed), skipped: Number(skipped) };
}

export function count(reports: readonly FileReport[]): Counts {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  for (const { is } of reports.flatMap(({ outcomes }) => outcomes)) counts[is] += 1;
  return counts;
}

/** A file's line, what its tests say and, where one has failed, all that the file wrote from there on. */
export function linesOf({ file, outcomes, output, seconds }: FileReport, comments: boolean): string[] {
  const failed = outcomes.filter(({ is }) => is === 'failed').length;
  const head = `${failed > 0 ? 'FAIL' : 'ok  '} ${file}  ${outcomes.length} tests, ${seconds.toFixed(1)} s`;
  if (failed > 0) return [head, output.slice(Math.max(0, output.search(/^ *not ok/m)))];
  return comments ? [head, ...(output.match(/^ {4}# (?!Subtest: |time=|\{).*$/gm) ?? [])] : [head];
}

/** Every failed and every skipped test by its name. */
export function namesOf(reports: readonly FileReport[]): string[] {
  return (['failed', 'skipped'] as const).flatMap((kind) =>
    reports.flatMap(({ file, outcomes }) =>
      outcomes
        .filter(({ is }) => is === kind)
        .map(({ title, reason }) => `${kind}: ${file}: ${title}${reason ? ` (${reason})` : ''}`),
    ),
  );
}
