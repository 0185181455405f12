import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import { ProblemError } from '../../problems.ts';
import { MODELS, VERSION } from './answers.ts';
import type { VllmClient } from './client.ts';
import { EngineFault } from './faults.ts';
import { contextTokens, type Probed, type ProbeOptions, probeEngine } from './probe.ts';

/** Knows at any time whether the engine can do the job, and probes it again whenever it may have changed. */
export interface Monitor {
  /** @throws ProblemError engine-unavailable, with the reason in one line */
  ready(): Probed;
  /** Tells that no answer came: look at the engine now. Until that look is done nothing changes for others. */
  suspect(): void;
  /** Tells that an answer came from another engine than the probed one: nothing is scored until a new probe has passed. */
  changed(from: Probed): void;
  close(): Promise<void>;
}

export interface MonitorOptions extends Omit<ProbeOptions, 'signal'> {
  /** between looks, while all is well and while it is not */
  calmMs: number;
  eagerMs: number;
  /** for the answer to one look */
  lookMs: number;
}

/** The first request after a start compiles and warms up: half a minute on a CPU. */
const PROBE_TIMEOUT_MS = 120_000;
const RETRY_AFTER_S = 5;
/** Looks without an answer, one after another, before an engine that is not known to be down counts as gone. */
const MISSES = 3;
const NOT_PROBED = 'The engine has not been probed yet.';

export function watchEngine(client: VllmClient, options: MonitorOptions, log: Logger): Monitor {
  const closing = new AbortController();
  /** what the last probe found, as long as nothing says that the engine may be another one */
  let probed: Probed | undefined;
  /** in a row */
  let misses = 0;
  /** why the engine is not ready; undefined while it is */
  let reason: string | undefined = NOT_PROBED;
  let wake = new AbortController();

  function unready(line: string, error?: unknown): void {
    if (line !== reason) log.warn({ err: error }, `engine is not ready: ${line}`);
    reason = line;
  }

  async function look(): Promise<void> {
    if (probed && (await looksTheSame(probed))) return;
    const signal = AbortSignal.any([closing.signal, AbortSignal.timeout(PROBE_TIMEOUT_MS)]);
    probed = await probeEngine(client, { ...options, signal });
    [misses, reason] = [0, undefined];
    log.info({ engine: probed.description }, 'engine is ready');
  }

  /**
   * Version and model stand for the engine while it stays up. One that is slow keeps its probe: another one would only make
   * it slower. After an outage the whole probe runs again.
   * @returns whether there is nothing to probe
   */
  async function looksTheSame(known: Probed): Promise<boolean> {
    try {
      const isSame = await identified(known);
      // An answer to an episode may have told more in the meantime.
      if (isSame && probed) [misses, reason] = [0, undefined];
      else unready('The engine has another version or model now. It is being probed again.');
      return isSame && probed !== undefined;
    } catch (error) {
      if (closing.signal.aborted) throw error;
      misses += 1;
      log.info({ err: error, misses }, 'the engine did not answer a look');
      if (await isDown()) throw error;
      if (misses >= MISSES) unready(reasonOf(error), error);
      return true;
    }
  }

  async function identified({ description }: Probed): Promise<boolean> {
    const signal = timed();
    const { version } = await client.get('/version', VERSION, signal);
    const { data } = await client.get('/v1/models', MODELS, signal);
    const isServed = data.some(({ id }) => id === description.model);
    return (
      version === description.engine.version &&
      isServed &&
      contextTokens(data, description.model) === description.contextTokens
    );
  }

  /** Whether `/health` says so. An engine that does not answer in time is slow, not down. */
  async function isDown(): Promise<boolean> {
    const signal = timed();
    try {
      return !(await client.healthy(signal));
    } catch {
      return false;
    }
  }

  const timed = () => AbortSignal.any([closing.signal, AbortSignal.timeout(options.lookMs)]);

  async function watch(): Promise<void> {
    while (!closing.signal.aborted) {
      try {
        await look();
      } catch (error) {
        if (closing.signal.aborted) return;
        probed = undefined;
        unready(reasonOf(error), error);
      }
      await pause();
    }
  }

  async function pause(): Promise<void> {
    // With a look coming soon anyway, nobody hurries it: many episodes may break at once.
    const isCalm = probed !== undefined && misses === 0;
    const signal = isCalm ? AbortSignal.any([closing.signal, wake.signal]) : closing.signal;
    await sleep(isCalm ? options.calmMs : options.eagerMs, undefined, { signal, ref: false }).catch(() => {});
    wake = new AbortController();
  }

  const watching = watch();
  return {
    ready() {
      if (probed && reason === undefined) return probed;
      throw new ProblemError('engine-unavailable', reason ?? NOT_PROBED, { retry_after_s: RETRY_AFTER_S });
    },
    suspect: () => wake.abort(),
    changed(from) {
      if (probed !== from) return;
      probed = undefined;
      unready('The engine changed while it was scoring. It is being probed again.');
      wake.abort();
    },
    async close() {
      closing.abort();
      await watching;
    },
  };
}

/** One line for callers, in this service's own words. */
function reasonOf(error: unknown): string {
  if (error instanceof EngineFault)
    return error.kind === 'unreachable' ? error.message : `The engine cannot do the job. ${error.message}`;
  if (error instanceof Error && error.name === 'TimeoutError') return 'The engine does not answer in time.';
  return 'The engine could not be probed. The log says why.';
}
