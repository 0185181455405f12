import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import { ProblemError } from '../../problems.ts';
import type { VllmClient } from './client.ts';
import { EngineFault } from './faults.ts';
import { type Probed, type ProbeOptions, probeEngine } from './probe.ts';

/** Knows at any time whether the engine can do the job, and probes it again whenever it may have changed. */
export interface Monitor {
  /** @throws ProblemError engine-unavailable, with the reason in one line */
  ready(): Probed;
  /** Tells that an answer looked like another engine's, or that none came: look again now. */
  suspect(): void;
  close(): Promise<void>;
}

export interface MonitorOptions extends Omit<ProbeOptions, 'signal'> {
  /** between looks, while ready and while not */
  calmMs: number;
  eagerMs: number;
}

const LOOK_TIMEOUT_MS = 10_000;
/** The first request after a start compiles and warms up: half a minute on a CPU. */
const PROBE_TIMEOUT_MS = 120_000;
const RETRY_AFTER_S = 5;

export function watchEngine(client: VllmClient, options: MonitorOptions, log: Logger): Monitor {
  const closing = new AbortController();
  let probed: Probed | undefined;
  let reason = 'The engine has not been probed yet.';
  let wake = new AbortController();

  async function look(): Promise<void> {
    if (probed && (await unchanged(probed))) return;
    const signal = AbortSignal.any([closing.signal, AbortSignal.timeout(PROBE_TIMEOUT_MS)]);
    probed = await probeEngine(client, { ...options, signal });
    log.info({ engine: probed.description }, 'engine is ready');
  }

  /** Version and model stand for the engine while it stays up; after any outage the whole probe runs again. */
  async function unchanged({ description }: Probed): Promise<boolean> {
    const signal = AbortSignal.any([closing.signal, AbortSignal.timeout(LOOK_TIMEOUT_MS)]);
    const { version } = await client.get<{ version: string }>('/version', signal);
    const { data } = await client.get<{ data: { id: string; max_model_len: number }[] }>('/v1/models', signal);
    const served = data.find(({ id }) => id === description.model);
    return version === description.engine.version && served?.max_model_len === description.contextTokens;
  }

  async function watch(): Promise<void> {
    while (!closing.signal.aborted) {
      try {
        await look();
      } catch (error) {
        if (closing.signal.aborted) return;
        probed = undefined;
        const line = reasonOf(error);
        if (line !== reason) log.warn({ err: error }, `engine is not ready: ${line}`);
        reason = line;
      }
      const pause = probed ? options.calmMs : options.eagerMs;
      await sleep(pause, undefined, { signal: AbortSignal.any([closing.signal, wake.signal]), ref: false }).catch(
        () => {},
      );
      wake = new AbortController();
    }
  }

  const watching = watch();
  return {
    ready() {
      if (probed) return probed;
      throw new ProblemError('engine-unavailable', reason, { retry_after_s: RETRY_AFTER_S });
    },
    suspect() {
      probed = undefined;
      reason = 'The engine stopped answering, or changed; it is being probed again.';
      wake.abort();
    },
    async close() {
      closing.abort();
      await watching;
    },
  };
}

function reasonOf(error: unknown): string {
  if (!(error instanceof EngineFault)) return 'The engine does not answer in time.';
  if (error.kind === 'unreachable') return 'The engine cannot be reached.';
  return `The engine cannot do the job. ${error.message}`;
}
