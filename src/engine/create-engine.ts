import type { Logger } from 'pino';
import type { Config } from '../config.ts';
import type { Engine } from './engine.ts';

/**
 * The engine that the configuration names. Only its own code and packages are loaded.
 * @throws Error with one line when an embedded engine's model or onnxruntime is missing; a vLLM may come up later
 */
export async function createEngine(config: Config, log: Logger): Promise<Engine> {
  if (config.ENGINE === 'vllm') {
    const { createVllmEngine } = await import('./vllm/vllm.ts');
    return createVllmEngine(config, log);
  }
  const { createEmbeddedEngine } = await import('./embedded/embedded.ts');
  return createEmbeddedEngine(config, log);
}
