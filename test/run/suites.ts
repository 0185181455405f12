import { availableParallelism } from 'node:os';

/** Test files that are run together. */
export interface Suite {
  /** Patterns relative to the repository, in the order in which files start. The slowest files come first. */
  files: string[];
  /** Files that match these patterns but belong to another suite. */
  except?: string[];
  /** How many files run at once. */
  jobs?: number;
  /** Longest time for one file. */
  timeoutS?: number;
  /** Whether comments of passing tests (`t.comment`) are printed. */
  comments?: boolean;
}

/** Slow files: each of their tests sets up processes, browsers or disks. */
const SLOW = [
  'test/playground/reference.test.ts',
  'test/playground/view.test.ts',
  'test/playground/page.test.ts',
  'test/playground/methods.test.ts',
  'test/engines/vllm/responses.test.ts',
  'test/engines/vllm/monitor.test.ts',
  'test/http/wrong-variables.test.ts',
  'test/http/lean-memory.test.ts',
  'test/http/log-output.test.ts',
  'test/compat/*.test.ts',
  'test/run/run.test.ts',
  'test/bench/fleet.test.ts',
  'test/pool/haproxy.test.ts',
  'test/engines/embedded/telemetry.test.ts',
  'test/engines/embedded/host.test.ts',
  'test/http/video-storage.test.ts',
  'test/playground/other-sites.test.ts',
];

/** Folders whose files take less than a second each. */
const PURE = [
  'calibration',
  'checking',
  'config',
  'engine',
  'episode',
  'frames',
  'json',
  'limits',
  'methods',
  'methods/gvl',
  'plan',
  'profiles',
  'process',
  'result',
  'scores',
];

/** Tests of the Python package with datasets, which take minutes. */
const LONG_PYTHON = ['annotate', 'evaluate-runs'].map((name) => `test/python/${name}.test.ts`);

/** Tests on a real vLLM. */
const real = (...names: string[]) => names.map((name) => `test/real/${name}.test.ts`);

/** All suites: which command runs which tests. docs/reference/testing.md explains each suite. */
export const SUITES: Record<string, Suite> = {
  test: {
    files: [
      'playground',
      'engines/embedded',
      'http/video*',
      'http',
      'engines/vllm',
      'contract',
      'run',
      'video',
      'upload',
      ...PURE,
    ].map((folder) => `test/${folder}${folder.endsWith('*') ? '' : '/*'}.test.ts`),
    except: SLOW,
  },
  slow: { files: SLOW },
  // These files take 1 s or 2 s each.
  quick: {
    files: [
      ...['authentication', 'calibrations', 'frame-kinds', 'frame-pixels', 'instruction-and-clock', 'json', 'log'],
      ...['malformed', 'npy', 'options', 'parts', 'service', 'training'],
    ]
      .map((name) => `test/http/${name}.test.ts`)
      .concat(['contract', ...PURE].map((folder) => `test/${folder}/*.test.ts`)),
  },
  attacks: { files: ['test/attacks/*.test.ts'], jobs: 1, timeoutS: 600, comments: true },
  python: { files: ['test/python/*.test.ts'], except: LONG_PYTHON },
  // Datasets of each layout, then one that the real lerobot writes, and its reader of our file: 8 minutes. Not in .ci/run.
  lerobot: { files: [...LONG_PYTHON, 'test/lerobot/*.test.ts'], timeoutS: 900, comments: true },
  // A Ray cluster and a SLURM cluster on this machine: not in .ci/run.
  cluster: { files: ['test/ray/*.test.ts', 'test/slurm/*.test.ts'], jobs: 1, timeoutS: 900, comments: true },
  docs: {
    files: ['test/docs/run.test.ts', 'test/docs/site.test.ts', 'test/docs/*.test.ts', 'test/prose/*.test.ts'],
    timeoutS: 600,
    comments: true,
  },
  clients: { files: ['test/clients/clients.test.ts'], jobs: 1, timeoutS: 600, comments: true },
  // 6 minutes: not in .ci/run.
  fuzz: { files: ['test/clients/fuzz*.test.ts'], jobs: 1, timeoutS: 900, comments: true },
  // test/image/with-image.sh prepares these tests.
  image: { files: ['test/image/*.test.ts'], jobs: 1, timeoutS: 900, comments: true },
  engine: { files: real('exact', 'answers', 'generation', 'service', 'embedded'), timeoutS: 900, comments: true },
  // As long as the suite before: not in .ci/run.
  methods: { files: real('published', 'controls', 'likelihood', 'gvl'), timeoutS: 900, comments: true },
  // One profile of models that get each frame as an image: MODEL_PROFILE names it, and CHECKPOINT its folder.
  families: { files: ['test/families/*.test.ts'], jobs: 1, timeoutS: 900, comments: true },
  // A model with linear attention, in bfloat16.
  hybrid: { files: ['test/engine/hybrid/*.test.ts'], timeoutS: 900, comments: true },
  // Two prompts of 10,000 tokens, on vLLM and in transformers: 8 minutes.
  long: { files: ['test/real/published-long.test.ts'], timeoutS: 1800, comments: true },
  // Two real vLLM servers behind each router: not in .ci/run.
  pool: { files: ['test/pool/*.test.ts'], jobs: 1, timeoutS: 1800, comments: true },
  stock: { files: ['test/real/stock.test.ts'], timeoutS: 900, comments: true },
};

/** Two more files than there are cores, because tests sometimes wait for something other than a core. */
export const JOBS = availableParallelism() + 2;
