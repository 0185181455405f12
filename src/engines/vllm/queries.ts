import type { EngineUsage } from '../../engine/engine.ts';
import type { FairQueue } from '../../limits/fair-queue.ts';
import type { Body, VllmClient } from './client.ts';
import { EngineFault } from './faults.ts';
import type { Poster } from './in-turn.ts';
import type { Monitor } from './monitor.ts';
import type { Probed } from './probe.ts';
import { withRepeats } from './repeats.ts';
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
  /** name of the header by which a router selects an engine */
  sessionHeader: string;
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
 * @param restore as in `withRepeats`
 * @throws EngineFault; the signal's reason when it aborts
 */
type SendQuery = <Answer extends Fingerprinted>(
  kind: ResponseKind<Answer>,
  bodyFor: (withAllData: boolean) => Body,
  restore?: (lostAt: number) => Promise<void>,
) => Promise<Answer>;

interface Fingerprinted {
  system_fingerprint?: string | null;
}

/**
 * Makes the function that sends the queries of one episode. Only an answer of the engine that was probed is returned.
 * @param session a router in front of several engines sends all queries of a session to the same engine
 */
export function querySender(
  { tenant, signal, usage }: QueryOwner,
  { client, gate, monitor, sessionHeader }: VllmParts,
  probed: Probed,
  session: string,
): SendQuery {
  const owner = { tenant, episode: Symbol('episode') };
  const headers = { [sessionHeader]: session };

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

  const resending = () => {
    usage.resends += 1;
  };

  return async (kind, bodyFor, restore) => {
    const answer = await withRepeats((withAllData) => send(kind, () => bodyFor(withAllData)), {
      resending,
      restore,
      signal,
    });
    if (probed.fingerprint === null || answer.system_fingerprint === probed.fingerprint) return answer;
    monitor.changed(probed);
    throw new EngineFault('unreachable', 'The response came from a different engine than the one that was probed.');
  };
}
