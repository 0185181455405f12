import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { RewardResult } from '../schemas/reward.ts';
import type { Admission } from './admission.ts';
import type { FrameMemory } from './frames/recent-frames.ts';

/** Numbers for Prometheus. */
export interface Metrics {
  request(operation: string, status: number, seconds: number): void;
  scored(result: RewardResult): void;
  /** A problem told in a line, under status 200. */
  toldInLines(code: string): void;
  expose(): Promise<{ type: string; text: string }>;
}

export function createMetrics(admission: Admission, frameMemory: Admission, recentFrames: FrameMemory): Metrics {
  const registers = [new Registry()];
  const [registry] = registers as [Registry];
  collectDefaultMetrics({ register: registry });
  const name = (suffix: string) => `topreward_${suffix}`;
  const seconds = new Histogram({
    name: name('request_seconds'),
    help: 'Time from the first byte of a request to the last of its answer.',
    labelNames: ['operation', 'status'],
    buckets: [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120],
    registers,
  });
  const counter = (suffix: string, help: string) => new Counter({ name: name(suffix), help, registers });
  const prefixes = counter('prefixes_total', 'Prefixes scored.');
  const requests = counter('engine_requests_total', 'Requests to the engine, repeats included.');
  const resends = counter('engine_resends_total', 'Requests repeated with all data: the engine had lost an item.');
  const promptTokens = counter('engine_prompt_tokens_total', 'Prompt tokens asked.');
  const cachedTokens = counter('engine_cached_tokens_total', 'Prompt tokens that the engine had cached.');
  const bytes = counter('engine_bytes_total', 'Bytes of request bodies sent to the engine.');
  const problemLines = new Counter({
    name: name('problem_lines_total'),
    help: 'Problems told in lines, under status 200.',
    labelNames: ['code'],
    registers,
  });
  const gauge = (suffix: string, help: string, read: () => number) =>
    new Gauge({
      name: name(suffix),
      help,
      registers,
      collect() {
        this.set(read());
      },
    });
  gauge('episodes_active', 'Episodes worked on.', () => admission.state().active);
  gauge('episodes_waiting', 'Requests that wait unread.', () => admission.state().waiting);
  gauge('upload_bytes_held', 'Memory reserved for uploads.', () => admission.state().bytes);
  gauge('frame_bytes_held', 'Memory reserved for rendered frames.', () => frameMemory.state().bytes);
  gauge('recent_frame_bytes_held', 'Uploaded frames kept for the next step of their episodes.', recentFrames.bytes);

  return {
    request: (operation, status, time) => seconds.observe({ operation, status }, time),
    scored({ prefixes: scored, usage }) {
      prefixes.inc(scored.length);
      requests.inc(usage.engine_requests);
      resends.inc(usage.engine_resends);
      promptTokens.inc(usage.prompt_tokens);
      cachedTokens.inc(usage.cached_tokens ?? 0);
      bytes.inc(usage.engine_bytes);
    },
    toldInLines: (code) => problemLines.inc({ code }),
    expose: async () => ({ type: registry.contentType, text: await registry.metrics() }),
  };
}
