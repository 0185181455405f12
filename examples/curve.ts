import type { RewardResult } from '../schemas/reward.ts';

const ROWS = 6;
const BARS = ' ▁▂▃▄▅▆▇█';
const COLUMN = 3;

/** Draws the log probabilities of several episodes as text, on one scale, with the other figures of each result. */
export function drawCurves(results: RewardResult[]): string {
  const values = results.flatMap(({ prefixes }) => prefixes.map(({ log_prob_true }) => log_prob_true));
  const [low, high] = [Math.min(...values), Math.max(...values)];
  return results.map((result) => drawCurve(result, low, high)).join('\n\n');
}

function drawCurve(result: RewardResult, low: number, high: number): string {
  const { id, prefixes, success, score, voc, log_prob_range, usage, provenance, warnings } = result;
  // The lowest value has height 1, so that it stays visible.
  const heights = prefixes.map(
    ({ log_prob_true }) => 1 + Math.round(((log_prob_true - low) / (high - low || 1)) * (ROWS * 8 - 1)),
  );
  const rows = Array.from({ length: ROWS }, (_, i) => {
    const base = (ROWS - 1 - i) * 8;
    const label = i === 0 ? high : i === ROWS - 1 ? low : undefined;
    const bars = heights.map((height) => BARS[Math.max(0, Math.min(8, height - base))]?.repeat(COLUMN - 1));
    return `${(label?.toFixed(2) ?? '').padStart(8)} │ ${bars.join(' ')}`;
  });
  const last = prefixes.at(-1);
  const lines = [
    `${id}: ${success === null ? 'no threshold' : success.flag ? 'success' : 'no success'}`,
    ...rows,
    `${'nats'.padStart(8)} └─${'─'.repeat(prefixes.length * COLUMN)}`,
    `           0 s${`${last?.time_s.toFixed(2)} s`.padStart(prefixes.length * COLUMN - 4)}`,
    `  score ${score.toFixed(3)} nats${success ? ` (threshold ${success.threshold})` : ''}, VOC ${voc?.toFixed(2) ?? 'undefined'}, range ${log_prob_range.span.toFixed(2)} nats${log_prob_range.flat ? ', flat' : ''}`,
    `  ${provenance.model} on ${provenance.engine.name} ${provenance.engine.version}: ${prefixes.length} prefixes in ${Math.round(usage.engine_ms)} ms`,
    ...warnings.map(({ code }) => `  warning: ${code}`),
  ];
  return lines.join('\n');
}
