import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Test } from 'tap';
import { contained, ended, environment, freePort } from './container.ts';

const START = fileURLToPath(new URL('../../docker/vllm/start.sh', import.meta.url));
const MODEL = fileURLToPath(new URL('../../models/topreward-pico', import.meta.url));

/** Flags that a CPU needs besides those of start.sh. With float32, log probabilities can be compared to 1e-4. */
const FOR_CPU = ['--dtype', 'float32', '--enforce-eager', '--block-size', '32'];

/**
 * All processes of vLLM end with its process 1, before vLLM can remove its shared memory. Therefore it has a /dev/shm of its
 * own, with the size from compose.yaml.
 */
const OWN = 'mount -t tmpfs -o size=8g,mode=1777 tmpfs /dev/shm && exec "$@"';
const ISOLATED = ['unshare', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc', 'sh', '-c', OWN, 'sh'];

/**
 * Starts the pinned vLLM on the CPU with docker/vllm/start.sh, as process 1 like in its container, and waits until it is
 * healthy.
 * @returns its address
 * @throws Error with the end of its log if it exits before that
 */
export async function startEngine(t: Test): Promise<string> {
  const port = String(await freePort());
  const child = contained([...ISOLATED, START, ...FOR_CPU], {
    ...process.env,
    PATH: `${environment('VLLM_VENV')}/bin:${process.env['PATH']}`,
    MODEL,
    PORT: port,
    VLLM_CPU_KVCACHE_SPACE: '1',
    HF_HUB_OFFLINE: '1',
    // With compilation, the first request would take 10 to 20 s longer and need a C++ compiler.
    TORCHDYNAMO_DISABLE: '1',
  });
  t.teardown(() => ended(child));
  let log = '';
  const keep = (chunk: Buffer) => {
    log = `${log}${chunk}`.slice(-10_000);
  };
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  const address = `http://127.0.0.1:${port}`;
  for (;;) {
    if (child.exitCode !== null) throw new Error(`vLLM exited with ${child.exitCode}: ${log}`);
    const healthy = await fetch(`${address}/health`).catch(() => undefined);
    if (healthy?.ok) return address;
    await sleep(500);
  }
}
