import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { ServedModel } from '../../engine/served-model.ts';
import { ProblemError } from '../../problems/problems.ts';
import { RETRY_AFTER_S } from '../../problems/retry-after.ts';
import type { VllmClient } from './client.ts';
import { EngineFault } from './faults.ts';
import { contextTokens, type Probed, type ProbeOptions, probeEngine } from './probe.ts';
import { MODELS, VERSION } from './responses.ts';

/** Tracks whether the engine is ready, and probes it again whenever it may have changed. */
export interface Monitor {
  /**
   * @param described what an earlier call returned as the served model: a plan was made for it
   * @throws ProblemError engine-unavailable, with the reason in one line; also if the engine was probed again since
   */
  ready(described?: ServedModel): Probed;
  /** Reports that no response arrived, and starts a check now. The state does not change before that check is done. */
  suspect(): void;
  /** Reports a response of another engine than the probed one. Nothing is scored until a new probe has passed. */
  changed(from: Probed): void;
  close(): Promise<void>;
}

/** What to probe, and how often to check it. Times in ms. */
interface MonitorOptions extends Omit<ProbeOptions, 'signal'> {
  /** engines behind the address */
  replicas: number;
  /** time between checks while the engine is ready */
  readyCheckMs: number;
  /** time between checks while it is not */
  unreadyCheckMs: number;
  /** timeout for the response to one check */
  checkTimeoutMs: number;
}

/** The first request after a start of vLLM includes compilation and warm-up: half a minute on a CPU. */
const PROBE_TIMEOUT_MS = 120_000;
/** If the engine is not known to be down, it counts as not ready after this many failed checks in a row. */
const MISSES = 3;
const NOT_PROBED = 'The engine has not been probed yet.';
const PROBED_AGAIN = 'The engine was probed again during this episode, and may be another one now. Try again.';

/** Starts to probe the engine, then checks it regularly until `close`. */
export function watchEngine(client: VllmClient, options: MonitorOptions, log: Logger): Monitor {
  const closing = new AbortController();
  /** result of the last probe; undefined if the engine may have changed since */
  let probed: Probed | undefined;
  /** failed checks in a row */
  let misses = 0;
  /** why the engine is not ready; undefined while it is ready */
  let reason: string | undefined = NOT_PROBED;
  let checkNow = new AbortController();

  function unready(line: string, error?: unknown): void {
    if (line !== reason) log.warn({ err: error }, `engine is not ready: ${line}`);
    reason = line;
  }

  async function check(): Promise<void> {
    if (probed && (await isUnchanged(probed))) return;
    const signal = AbortSignal.any([closing.signal, AbortSignal.timeout(PROBE_TIMEOUT_MS)]);
    probed = await probeEngine(client, { ...options, signal });
    [misses, reason] = [0, undefined];
    log.info({ engine: probed.served }, 'engine is ready');
  }

  /**
   * While the engine stays up, a check compares only its version, model and context length. A slow engine is not probed
   * again, because a probe would make it even slower. After an outage the complete probe runs again.
   * @returns true if no new probe is needed
   */
  async function isUnchanged(known: Probed): Promise<boolean> {
    try {
      const isSame = await identified(known);
      // Meanwhile, `changed` may have dropped the probe.
      if (isSame && probed) [misses, reason] = [0, undefined];
      else unready('The engine now has another version or model. It is being probed again.');
      return isSame && probed !== undefined;
    } catch (error) {
      if (closing.signal.aborted) throw error;
      misses += 1;
      log.info({ err: error, misses }, 'the engine did not respond to a check');
      if (await isDown()) throw error;
      if (misses >= MISSES) unready(reasonOf(error), error);
      return true;
    }
  }

  async function identified({ served }: Probed): Promise<boolean> {
    const signal = timed();
    const { version } = await client.get('/version', VERSION, signal);
    const { data } = await client.get('/v1/models', MODELS, signal);
    const isServed = data.some(({ id }) => id === served.model);
    return version === served.engine.version && isServed && contextTokens(data, served.model) === served.contextTokens;
  }

  /**
   * True if `/health` reports a failure or cannot be reached. An engine that does not respond in time is slow, not down. Several engines
   * are down if as many requests in a row fail: a router sends each to another one.
   */
  async function isDown(): Promise<boolean> {
    const signal = timed();
    try {
      for (let asked = 0; asked < options.replicas; asked += 1) if (await client.healthy(signal)) return false;
      return true;
    } catch {
      return false;
    }
  }

  const timed = () => AbortSignal.any([closing.signal, AbortSignal.timeout(options.checkTimeoutMs)]);

  async function watch(): Promise<void> {
    while (!closing.signal.aborted) {
      try {
        await check();
      } catch (error) {
        if (closing.signal.aborted) return;
        probed = undefined;
        unready(reasonOf(error), error);
      }
      await pause();
    }
  }

  async function pause(): Promise<void> {
    // A check comes soon anyway while the engine fails. Many episodes may fail at once, and must not cause many
    // checks.
    const isStable = probed !== undefined && misses === 0;
    const signal = isStable ? AbortSignal.any([closing.signal, checkNow.signal]) : closing.signal;
    await sleep(isStable ? options.readyCheckMs : options.unreadyCheckMs, undefined, { signal, ref: false }).catch(
      () => {},
    );
    checkNow = new AbortController();
  }

  const watching = watch();
  return {
    ready(described) {
      const again = { retry_after_s: RETRY_AFTER_S.vllm };
      if (!probed || reason !== undefined) throw new ProblemError('engine-unavailable', reason ?? NOT_PROBED, again);
      // The plan and the provenance are those of the described model, and it may be another one now.
      if (described && described !== probed.served) throw new ProblemError('engine-unavailable', PROBED_AGAIN, again);
      return probed;
    },
    suspect: () => checkNow.abort(),
    changed(from) {
      if (probed !== from) return;
      probed = undefined;
      unready('The engine changed while it scored an episode. It is being probed again.');
      checkNow.abort();
    },
    async close() {
      closing.abort();
      await watching;
    },
  };
}

/** Makes one line for callers, in this service's own words. */
function reasonOf(error: unknown): string {
  if (error instanceof EngineFault)
    return error.kind === 'unreachable' ? error.message : `The engine cannot be used. ${error.message}`;
  if (error instanceof Error && error.name === 'TimeoutError') return 'The engine does not respond in time.';
  return 'The probe of the engine failed. See the log for the cause.';
}
