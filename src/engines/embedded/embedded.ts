import type { Logger } from 'pino';
import type { PromptVariant } from '../../../schemas/enumerations.ts';
import type { Config } from '../../config/config.ts';
import type { DefaultQuery, Engine } from '../../engine/engine.ts';
import type { ServedModel, ServedPrompt } from '../../engine/served-model.ts';
import { QWEN3_VL } from '../../families/qwen3-vl/family.ts';
import { createFairQueue } from '../../limits/fair-queue.ts';
import { mapAll } from '../../plan/non-empty.ts';
import { ProblemError } from '../../problems/problems.ts';
import { RETRY_AFTER_S } from '../../problems/retry-after.ts';
import { type Checkpoint, readCheckpoint, unfit } from './checkpoint.ts';
import { hostModel } from './host.ts';
import { blockTokens } from './prompt-tokens.ts';
import { runQueries } from './scoring.ts';
import { type ModelThread, startThread, type ThreadOptions } from './thread.ts';

/** The configuration that an embedded engine reads. */
type EmbeddedConfig = Pick<Config, 'MODEL_DIR' | 'EMBEDDED_THREADS' | 'EMBEDDED_CACHE_BYTES'>;

/**
 * How many episodes of each size may be in progress at once. Their calls take turns. Waiting tenants take turns too.
 */
const EPISODES_AT_ONCE = { step: 2, short: 2, long: 1 };

const NO_GENERATION = 'The embedded engine only scores prefixes: it writes no text.';

/**
 * Creates an engine in this process: onnxruntime runs an exported Qwen3-VL checkpoint in a thread of its own.
 * @param defaultQuery the text and the answers that requests use by default
 * @param restartPausesMs pauses before the restarts in a row of a thread that ended
 * @throws Error with a message of one line if the model or onnxruntime is missing or cannot be used
 */
export async function createEmbeddedEngine(
  config: EmbeddedConfig,
  log: Logger,
  defaultQuery: DefaultQuery,
  restartPausesMs?: readonly number[],
): Promise<Engine> {
  const { MODEL_DIR: folder, EMBEDDED_THREADS: threads, EMBEDDED_CACHE_BYTES: cacheBytes } = config;
  const checkpoint = await readCheckpoint(folder);
  const prompts = {
    open: servedPrompt('open', defaultQuery, checkpoint),
    chat: servedPrompt('chat', defaultQuery, checkpoint),
  };
  const start = () => openThread({ folder, grid: checkpoint.grid, threads, cacheBytes }, log);
  const host = await hostModel(start, log, restartPausesMs);
  const served = servedModelOf(checkpoint, prompts, host.onnxruntime);
  const gates = {
    step: createFairQueue({ places: EPISODES_AT_ONCE.step }),
    short: createFairQueue({ places: EPISODES_AT_ONCE.short }),
    long: createFairQueue({ places: EPISODES_AT_ONCE.long }),
  };
  log.info({ engine: served }, 'engine is ready');
  return {
    queues: { 'engine-step': gates.step, 'engine-short': gates.short, 'engine-long': gates.long },
    describe() {
      if (host.ready()) return served;
      const detail = host.alive()
        ? 'The model thread ended and is being restarted. Try again in a moment.'
        : 'The model thread keeps ending. The operator must restart the service.';
      throw new ProblemError('engine-unavailable', detail, { retry_after_s: RETRY_AFTER_S.modelThread });
    },
    alive: () => host.alive(),
    async textOf(ids) {
      return checkpoint.textOf(ids);
    },
    async tokenIdsOf(text) {
      return checkpoint.encode(text);
    },
    async controlTokenIn(text) {
      const normalized = text.normalize('NFC');
      return checkpoint.controlTokens.find((token) => text.includes(token) || normalized.includes(token));
    },
    score: (request) => runQueries(request, { checkpoint, thread: host, gates }),
    async generate({ episodePointer }) {
      throw new ProblemError('method-unsupported', NO_GENERATION, { pointer: `${episodePointer}/method` });
    },
    close: () => host.close(),
  };
}

async function openThread(options: ThreadOptions, log: Logger): Promise<ModelThread> {
  try {
    return await startThread(options, log);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    if (message.includes("Cannot find package 'onnxruntime-node'")) {
      throw new Error(
        'ENGINE=embedded requires the optional package onnxruntime-node, which is not installed. Run npm ci, or set ENGINE_URL to use vLLM.',
        { cause: error },
      );
    }
    throw unfit(options.folder, message.replace(/\n.*/s, ''));
  }
}

/** @throws Error with a message of one line, if an answer is not one token of the model */
function servedPrompt(variant: PromptVariant, { read }: DefaultQuery, { answer }: Checkpoint): ServedPrompt {
  const [meaningTrue, meaningFalse] = read(variant).answers;
  return { layout: 'reference', answers: [mapAll(meaningTrue, answer), mapAll(meaningFalse, answer)] };
}

function servedModelOf(checkpoint: Checkpoint, prompts: ServedModel['prompts'], onnxruntime: string): ServedModel {
  const { name, version, about, frame, calibration, contextTokens } = checkpoint;
  return {
    engine: { name: 'onnxruntime', version: onnxruntime },
    family: QWEN3_VL,
    model: `${name} ${version}`,
    about,
    prompts,
    onePass: true,
    referenceFrame: frame,
    frameSizes: ['reference'],
    frameEncoding: 'rgb',
    calibration,
    contextTokens,
    maxBlocks: null,
    tokensPerBlock: blockTokens('0.2', checkpoint).length,
    generation: { unavailable: NO_GENERATION },
  };
}
