import type { Logger } from 'pino';
import type { Config } from '../../config/config.ts';
import type { DefaultQuery, Engine } from '../../engine/engine.ts';
import type { Family } from '../../families/family.ts';
import { QWEN3_VL } from '../../families/qwen3-vl/family.ts';
import { createFairQueue } from '../../limits/fair-queue.ts';
import { createClient } from './client.ts';
import { controlTokenFinder } from './control-tokens.ts';
import { EngineFault } from './faults.ts';
import { generateText } from './generation.ts';
import { inTurn, TOKENIZER_REQUESTS } from './in-turn.ts';
import { watchEngine } from './monitor.ts';
import { faultProblem } from './problems.ts';
import { runQueries } from './scoring.ts';
import { textOf, tokenIdsOf } from './tokenizer.ts';

/** The configuration that a vLLM engine reads. */
type VllmConfig = Pick<
  Config,
  | 'ENGINE_URL'
  | 'ENGINE_API_KEY'
  | 'ENGINE_MODEL'
  | 'ENGINE_CONCURRENCY'
  | 'ENGINE_FRAME_ENCODING'
  | 'ENGINE_FRAME_SIDE'
  | 'ENGINE_SESSION_HEADER'
  | 'ENGINE_REPLICAS'
  | 'SECRET'
  | 'tenants'
>;

/** Options with defaults. Times in ms. */
interface VllmOptions {
  /** how the model receives frames; Qwen3-VL by default */
  family?: Family;
  /** time between checks of vLLM while it is ready */
  readyCheckMs?: number;
  /** time between checks while it is not */
  unreadyCheckMs?: number;
  /** timeout for the response to one check */
  checkTimeoutMs?: number;
}

const READY_CHECK_MS = 15_000;
const UNREADY_CHECK_MS = 2_000;
const CHECK_TIMEOUT_MS = 10_000;

/**
 * Creates an engine that queries an unmodified vLLM over HTTP. It probes vLLM at once and is ready when the probe has
 * passed.
 * @param defaultQuery what the probe asks
 */
export function createVllmEngine(
  config: VllmConfig,
  log: Logger,
  defaultQuery: DefaultQuery,
  {
    family = QWEN3_VL,
    unreadyCheckMs = UNREADY_CHECK_MS,
    readyCheckMs = READY_CHECK_MS,
    checkTimeoutMs = CHECK_TIMEOUT_MS,
  }: VllmOptions = {},
): Engine {
  const client = createClient({
    url: config.ENGINE_URL,
    apiKey: config.ENGINE_API_KEY,
    connections: config.ENGINE_CONCURRENCY + TOKENIZER_REQUESTS,
  });
  const gate = createFairQueue({ places: config.ENGINE_CONCURRENCY });
  const texts = createFairQueue({
    places: Math.max(1, Math.floor(config.ENGINE_CONCURRENCY / 2)),
    share: new Set(config.tenants.values()).size > 1 ? 0.5 : 1,
  });
  const monitor = watchEngine(
    client,
    {
      url: config.ENGINE_URL,
      model: config.ENGINE_MODEL,
      encoding: config.ENGINE_FRAME_ENCODING,
      frame: { width: config.ENGINE_FRAME_SIDE, height: config.ENGINE_FRAME_SIDE },
      family,
      defaultQuery,
      sessionHeader: config.ENGINE_SESSION_HEADER,
      replicas: config.ENGINE_REPLICAS,
      readyCheckMs,
      unreadyCheckMs,
      checkTimeoutMs,
    },
    log,
  );
  const findControlToken = controlTokenFinder();
  const tokenizing = createFairQueue({ places: TOKENIZER_REQUESTS });
  const tokenizer = (tenant: string) => inTurn(client, tokenizing, tenant);
  const parts = {
    client,
    tokenizer,
    gate,
    texts,
    monitor,
    secret: config.SECRET,
    sessionHeader: config.ENGINE_SESSION_HEADER,
  };

  function problemOf(error: unknown): unknown {
    if (!(error instanceof EngineFault)) return error;
    if (error.kind === 'unreachable') monitor.suspect();
    return faultProblem(error);
  }

  return {
    queues: { engine: gate, 'engine-texts': texts, 'engine-tokens': tokenizing },
    describe: () => monitor.ready().served,
    // vLLM is another process: no fault of it requires a restart of this one.
    alive: () => true,
    async controlTokenIn(text, { tenant, signal }) {
      try {
        return await findControlToken(text, monitor.ready(), { client: tokenizer(tenant), signal });
      } catch (error) {
        throw problemOf(error);
      }
    },
    async textOf(ids, { tenant, signal }) {
      const { served, texts: known } = monitor.ready();
      try {
        return await textOf(ids, { client: tokenizer(tenant), model: served.model, texts: known, signal });
      } catch (error) {
        throw problemOf(error);
      }
    },
    async tokenIdsOf(text, { tenant, signal }) {
      const { served, tokens } = monitor.ready();
      try {
        return await tokenIdsOf(text, { client: tokenizer(tenant), model: served.model, known: tokens, signal });
      } catch (error) {
        throw problemOf(error);
      }
    },
    score: (request) => runQueries(request, parts),
    generate: (request) => generateText(request, parts),
    async close() {
      await monitor.close();
      await client.close();
    },
  };
}
