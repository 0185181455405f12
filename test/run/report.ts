import type { FileReport, Outcome } from './run-file.ts';

/** Numbers of passed, failed and skipped tests. */
export interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

const TAIL_CHARACTERS = 3000;

/** The last line of every run. */
export const closingLine = ({ passed, failed, skipped }: Counts): string =>
  `${passed} passed, ${failed} failed, ${skipped} skipped`;

/** @returns the counts; undefined if the line is not a closing line */
export function readClosingLine(line: string): Counts | undefined {
  const [, passed, failed, skipped] = /^(\d+) passed, (\d+) failed, (\d+) skipped$/.exec(line) ?? [];
  return skipped === undefined
    ? undefined
    : { passed: Number(passed), failed: Number(failed), skipped: Number(skipped) };
}

export function count(reports: readonly FileReport[]): Counts {
  return countOutcomes(reports.flatMap(({ outcomes }) => outcomes));
}

function countOutcomes(outcomes: readonly Outcome[]): Counts {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  for (const { is } of outcomes) counts[is] += 1;
  return counts;
}

/** The lines to print for a file: its result, the comments of its tests and, after a failure, its output from there on. */
export function linesOf({ file, outcomes, output, seconds }: FileReport, comments: boolean): string[] {
  const { passed, failed, skipped } = countOutcomes(outcomes);
  const head = `${failed > 0 ? 'FAIL' : 'ok  '} ${seconds.toFixed(1).padStart(5)} s  ${file}: ${passed} of ${outcomes.length}`;
  const line = skipped > 0 ? `${head}, ${skipped} skipped` : head;
  const fault = output.search(/^ *not ok/m);
  // If no test point failed, the end of the output helps most: an error outside of tests, or the last output before a
  // timeout.
  if (failed > 0) return [line, fault >= 0 ? output.slice(fault) : output.slice(-TAIL_CHARACTERS)];
  return comments ? [line, ...(output.match(/^ {4}# (?!Subtest: |time=|\{).*$/gm) ?? [])] : [line];
}

/** Lines with the names of all failed and all skipped tests. */
export function namesOf(reports: readonly FileReport[]): string[] {
  return (['failed', 'skipped'] as const).flatMap((kind) =>
    reports.flatMap(({ file, outcomes }) =>
      outcomes
        .filter(({ is }) => is === kind)
        .map(({ title, reason }) => `${kind}: ${file}: ${title}${reason ? ` (${reason})` : ''}`),
    ),
  );
}
