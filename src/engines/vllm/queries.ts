import { setTimeout as sleep } from 'node:timers/promises';
import type { EngineUsage } from '../../engine/engine.ts';
import type { FairQueue } from '../../limits/fair-queue.ts';
import type { Body, VllmClient } from './client.ts';
import { EngineFault } from './faults.ts';
import type { Poster } from './in-turn.ts';
import type { Monitor } from './monitor.ts';
import type { Probed } from './probe.ts';
import type { ResponseKind } from './responses.ts';

/** The parts of the engine that queries use. */
export interface VllmParts {
  client: VllmClient;
  /** sends requests about tokens, in the turn of a tenant */
  tokenizer(tenant: string): Poster;
  gate: FairQueue;
  /** A text takes minutes, a query milliseconds: texts have some of the places only, so that no query waits for a text to end. */
  texts: FairQueue;
  monitor: Monitor;
  secret: string;
}

/** Who asks, how long, and where the cost is counted. */
interface QueryOwner {
  tenant: string;
  signal: AbortSignal;
  usage: EngineUsage;
}

/**
 * Sends one query as soon as it is its turn, and repeats it if that can help.
 * @param bodyFor makes the body; `withAllData` is true when the engine may have lost an item that the body only names
 * @throws EngineFault; the signal's reason when it aborts
 */
type SendQuery = <Answer extends Fingerprinted>(
  kind: ResponseKind<Answer>,
  bodyFor: (withAllData: boolean) => Body,
) => Promise<Answer>;

interface Fingerprinted {
  system_fingerprint?: string | null;
}

const BUSY_TRIES = 5;
const BUSY_PAUSE_MS = 100;

/**
 * Makes the function that sends the queries of one episode. Only an answer of the engine that was probed is returned.
 * @param session a router in front of several engines sends all queries of a session to the same engine
 */
export function querySender(
  { tenant, signal, usage }: QueryOwner,
  { client, gate, monitor }: VllmParts,
  probed: Probed,
  session: string,
): SendQuery {
  const owner = { tenant, episode: Symbol('episode') };
  const headers = { 'x-session-id': session };

  async function send<Answer>(kind: ResponseKind<Answer>, bodyFor: () => Body): Promise<Answer> {
    const waiting = performance.now();
    const { release } = await gate.enter(owner, signal);
    usage.queuedMs += performance.now() - waiting;
    try {
      const body = bodyFor();
      usage.requests += 1;
      usage.bytes += body.bytes;
      return await client.post('/v1/chat/completions', body, kind, signal, headers);
    } finally {
      release();
    }
  }

  return async (kind, bodyFor) => {
    const answer = await withRepeats({
      send: (withAllData) => send(kind, () => bodyFor(withAllData)),
      usage,
      signal,
    });
    if (probed.fingerprint === null || answer.system_fingerprint === probed.fingerprint) return answer;
    monitor.changed(probed);
    throw new EngineFault('unreachable', 'The response came from a different engine than the one that was probed.');
  };
}

/**
 * Retries a request if that can help: once, with all data, after a lost item or a failure; a few times if the engine is
 * busy.
 */
async function withRepeats<Answer>({
  send,
  usage,
  signal,
}: {
  send: (withAllData: boolean) => Promise<Answer>;
  usage: EngineUsage;
  signal: AbortSignal;
}): Promise<Answer> {
  let resent = false;
  for (let busy = 1; ; ) {
    try {
      return await send(resent);
    } catch (error) {
      if (!(error instanceof EngineFault)) throw error;
      if (error.kind === 'busy' && busy < BUSY_TRIES) {
        await sleep(BUSY_PAUSE_MS * 2 ** busy * (0.5 + Math.random() / 2), undefined, { signal });
        busy += 1;
      } else if (!resent && ['cache-miss', 'internal', 'unreachable'].includes(error.kind)) {
        resent = true;
        usage.resends += 1;
      } else {
        throw error;
      }
    }
  }
}
