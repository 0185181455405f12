import type { Logger } from 'pino';
import type { Config } from '../config/config.ts';
import type { DefaultQuery, Engine } from '../engine/engine.ts';
import { readFamily } from '../families/read-family.ts';

/**
 * Creates the engine that the configuration names. Only the code and packages of that engine are loaded.
 * @param defaultQuery the text and the answers that the engine checks at its start
 * @throws Error with a message of one line if the embedded engine lacks its model or onnxruntime, or if MODEL_PROFILE is wrong. That vLLM
 * does not respond is no error: it may start later.
 */
export async function createEngine(config: Config, log: Logger, defaultQuery: DefaultQuery): Promise<Engine> {
  if (config.ENGINE === 'vllm') {
    const { createVllmEngine } = await import('./vllm/vllm.ts');
    return createVllmEngine(config, log, defaultQuery, { family: await readFamily(config.MODEL_PROFILE) });
  }
  const { createEmbeddedEngine } = await import('./embedded/embedded.ts');
  return createEmbeddedEngine(config, log, defaultQuery);
}
