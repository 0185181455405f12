import type { Usage } from '../../schemas/reward.ts';
import type { Scored } from './scored.ts';

/** The cost of an episode. */
export function usageOf({ readings, usage }: Scored): Usage {
  const all = [...readings.values()];
  const cached = all.map(({ cachedTokens }) => cachedTokens);
  const tenths = (ms: number) => Math.round(ms * 10) / 10;
  return {
    engine_requests: usage.requests,
    engine_resends: usage.resends,
    prompt_tokens: all.reduce((sum, { promptTokens }) => sum + promptTokens, 0),
    cached_tokens: cached.some((tokens) => tokens === null)
      ? null
      : cached.reduce<number>((sum, tokens) => sum + (tokens ?? 0), 0),
    engine_bytes: usage.bytes,
    queued_ms: tenths(usage.queuedMs),
    decoding_ms: tenths(usage.decodingMs),
    engine_ms: tenths(usage.engineMs),
  };
}
