import type { Usage } from '../../schemas/reward.ts';
import type { EngineUsage, Reading } from '../engine/engine.ts';
import type { Scored } from './scored.ts';

/** Prompt tokens of some queries, and how many of them the engine had in its cache. */
export function tokensOf(readings: Reading[]): Pick<Usage, 'prompt_tokens' | 'cached_tokens'> {
  const cached = readings.map(({ cachedTokens }) => cachedTokens);
  return {
    prompt_tokens: readings.reduce((sum, { promptTokens }) => sum + promptTokens, 0),
    cached_tokens: cached.some((tokens) => tokens === null)
      ? null
      : cached.reduce<number>((sum, tokens) => sum + (tokens ?? 0), 0),
  };
}

/** The cost of an episode with its controls. */
export function usageOf({ readings, controls, usage }: Scored): Usage {
  const all = [...readings.values(), ...controls.flatMap((control) => [...control.readings.values()])];
  const { prompt_tokens: promptTokens, cached_tokens: cachedTokens } = tokensOf(all);
  return costOf(usage, { promptTokens, cachedTokens });
}

/** What the engine and the wait for it cost. */
export function costOf(
  usage: EngineUsage,
  { promptTokens, cachedTokens }: Pick<Reading, 'promptTokens' | 'cachedTokens'>,
): Usage {
  const tenths = (ms: number) => Math.round(ms * 10) / 10;
  return {
    engine_requests: usage.requests,
    engine_resends: usage.resends,
    prompt_tokens: promptTokens,
    cached_tokens: cachedTokens,
    engine_bytes: usage.bytes,
    queued_ms: tenths(usage.queuedMs),
    decoding_ms: tenths(usage.decodingMs),
    engine_ms: tenths(usage.engineMs),
  };
}
