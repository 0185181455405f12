import type { Logger } from 'pino';
import type { Config } from '../../config.ts';
import { ProblemError } from '../../problems.ts';
import type { Engine, EngineDescription, ServedPrompt } from '../engine.ts';
import { createFairGate } from '../fair-gate.ts';
import { type Checkpoint, readCheckpoint, unfit } from './checkpoint.ts';
import { blockTokens } from './prompt-tokens.ts';
import { scoreEpisode } from './scoring.ts';
import { type ModelThread, startThread, type ThreadOptions } from './thread.ts';

/** What an embedded engine reads of the configuration. */
export type EmbeddedConfig = Pick<Config, 'MODEL_DIR' | 'EMBEDDED_THREADS' | 'EMBEDDED_CACHE_BYTES'>;

/** Episodes whose keys and values are in memory at once; their calls take turns. Tenants take turns for the places. */
const EPISODES_AT_ONCE = { short: 3, long: 1 };

/**
 * An engine in this process: an exported Qwen3-VL checkpoint, run by onnxruntime in a thread of its own.
 * @throws Error with one line when the model or onnxruntime is missing or unfit
 */
export async function createEmbeddedEngine(config: EmbeddedConfig, log: Logger): Promise<Engine> {
  const { MODEL_DIR: folder, EMBEDDED_THREADS: threads, EMBEDDED_CACHE_BYTES: cacheBytes } = config;
  const checkpoint = await readCheckpoint(folder);
  const thread = await openThread({ folder, grid: checkpoint.grid, threads, cacheBytes }, log);
  const description = descriptionOf(checkpoint, thread);
  const gates = { short: createFairGate(EPISODES_AT_ONCE.short), long: createFairGate(EPISODES_AT_ONCE.long) };
  log.info({ engine: description }, 'engine is ready');
  return {
    describe() {
      if (thread.alive()) return description;
      throw new ProblemError('engine-unavailable', 'The model’s thread has ended; the service must be restarted.');
    },
    score: (request) => scoreEpisode(request, { checkpoint, thread, gates }),
    close: () => thread.close(),
  };
}

async function openThread(options: ThreadOptions, log: Logger): Promise<ModelThread> {
  try {
    return await startThread(options, log);
  } catch (error) {
    const { message } = error as Error;
    if (message.includes("Cannot find package 'onnxruntime-node'")) {
      throw new Error(
        'ENGINE=embedded needs the optional package onnxruntime-node, which is not installed: run npm ci, or set ENGINE_URL to use a vLLM.',
        { cause: error },
      );
    }
    throw unfit(options.folder, message.split('\n', 1)[0] as string);
  }
}

function descriptionOf(checkpoint: Checkpoint, { onnxruntime }: ModelThread): EngineDescription {
  const { name, version, about, frame, calibration, contextTokens, answers } = checkpoint;
  const served = (tokens: ServedPrompt['tokens']): ServedPrompt => ({ layout: 'reference', tokens });
  return {
    engine: { name: 'onnxruntime', version: onnxruntime },
    model: `${name} ${version}`,
    about,
    prompts: { open: served(answers.open), chat: served(answers.chat) },
    onePass: true,
    referenceFrame: frame,
    frameSizes: ['reference'],
    frameEncoding: 'rgb',
    calibration,
    contextTokens,
    maxBlocks: null,
    tokensPerBlock: blockTokens('0.2', checkpoint).length,
  };
}
