import { availableParallelism } from 'node:os';

/** Test files that are run together. */
export interface Suite {
  /** Patterns from the repository's root, in the order in which files are started: those that take longest first. */
  files: string[];
  /** Files of those patterns that another suite has. */
  except?: string[];
  /** Files at once. */
  jobs?: number;
  /** Longest time for one file. */
  timeoutS?: number;
  /** Whether what passing tests say (`t.comment`) is printed. */
  comments?: boolean;
}

/** What takes longest for what it holds: whole processes, browsers and disks that are set up for one question each. */
const SLOW = [
  'test/playground/docs.test.ts',
  'test/playground/view.test.ts',
  'test/vllm/answers.test.ts',
  'test/vllm/monitor.test.ts',
  'test/http/wrong-variables.test.ts',
  'test/http/lean-memory.test.ts',
  'test/http/log-output.test.ts',
  'test/run/run.test.ts',
  'test/embedded/telemetry.test.ts',
  'test/embedded/host.test.ts',
  'test/http/video-storage.test.ts',
  'test/playground/doors.test.ts',
];

/** Of all suites: which tests are run by which command. docs/testing.md says what each is for. */
export const SUITES: Record<string, Suite> = {
  test: {
    files: ['playground', 'embedded', 'http/video*', 'http', 'vllm', 'contract', 'run', 'domain'].map(
      (folder) => `test/${folder}${folder.endsWith('*') ? '' : '/*'}.test.ts`,
    ),
    except: SLOW,
  },
  slow: { files: SLOW },
  // A second or two each.
  quick: {
    files: [
      ...['authentication', 'calibrations', 'frame-kinds', 'frame-pixels', 'instruction-and-clock', 'json', 'log'],
      ...['malformed', 'npy', 'options', 'parts', 'service', 'training'],
    ]
      .map((name) => `test/http/${name}.test.ts`)
      .concat('test/contract/*.test.ts', 'test/domain/*.test.ts'),
  },
  attacks: { files: ['test/attacks/*.test.ts'], jobs: 1, timeoutS: 600, comments: true },
  python: { files: ['test/python/*.test.ts'] },
  clients: { files: ['test/clients/*.test.ts'], jobs: 1, timeoutS: 600, comments: true },
  // In test/image/with-image.sh.
  image: { files: ['test/image/*.test.ts'], jobs: 1, timeoutS: 900, comments: true },
  engine: {
    files: ['exact', 'service', 'embedded'].map((name) => `test/real/${name}.test.ts`),
    timeoutS: 900,
    comments: true,
  },
  stock: { files: ['test/real/stock.test.ts'], timeoutS: 900, comments: true },
};

/** One more file than there are cores: now and then a test waits for something other than a core. */
export const JOBS = availableParallelism() + 2;
