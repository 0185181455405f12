import { spawn } from 'node:child_process';
import { once } from 'node:events';

/** The outcome of a top-level test of a file, including its subtests. */
export interface Outcome {
  title: string;
  is: 'passed' | 'failed' | 'skipped';
  /** why it is skipped */
  reason?: string | undefined;
}

/** The outcome of a test file. */
export interface FileReport {
  file: string;
  outcomes: Outcome[];
  /** TAP and standard error of the file */
  output: string;
  seconds: number;
}

/** A file that still runs this long after tap's own time limit is killed. */
const GRACE_S = 30;

/** A test point: `not ok 3 - title # SKIP reason`. */
const POINT = /^( *)(not )?ok \d+(?: - (.*?))?(?: # (?:(SKIP|TODO)\b *(.*)|time=.*))?$/gm;

/**
 * Runs a test file in a separate process, and kills all processes that it leaves running.
 * @param timeoutS longest time for the file, in seconds
 */
export async function runFile(file: string, timeoutS: number, signal: AbortSignal): Promise<FileReport> {
  const started = performance.now();
  const child = spawn(process.execPath, [file], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, TAP_TIMEOUT: String(timeoutS) },
    // A separate process group, so that the servers and browsers of a test end with it.
    detached: true,
  });
  const end = () => endGroup(child.pid);
  const timer = setTimeout(end, (timeoutS + GRACE_S) * 1000);
  signal.addEventListener('abort', end, { once: true });
  child.once('exit', end);
  const output: Buffer[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => output.push(chunk));
  const [code, ended] = await once(child, 'close');
  clearTimeout(timer);
  signal.removeEventListener('abort', end);
  const text = Buffer.concat(output).toString();
  const outcomes = outcomesOf(text);
  // Some failures are not test points: an error outside of tests, a wrong plan, or a process that was killed.
  if (code !== 0 && !outcomes.some(({ is }) => is === 'failed'))
    outcomes.push({ title: ended ? `killed by ${ended}` : `exit code ${code}`, is: 'failed' });
  if (outcomes.length === 0) outcomes.push({ title: 'the file has no tests', is: 'failed' });
  return { file, outcomes, output: text, seconds: (performance.now() - started) / 1000 };
}

/** Subtests count with their parent test. Only skipped subtests count separately, so that no skip goes unnoticed. */
function outcomesOf(tap: string): Outcome[] {
  return [...tap.matchAll(POINT)].flatMap(([, indent = '', not, title = '', skip, reason]): Outcome[] => {
    if (skip) return [{ title, is: 'skipped', reason }];
    return indent === '' ? [{ title, is: not ? 'failed' : 'passed' }] : [];
  });
}

function endGroup(pid: number | undefined): void {
  try {
    if (pid) process.kill(-pid, 'SIGKILL');
  } catch {
    // The group has ended already.
  }
}
