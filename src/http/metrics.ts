import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { EpisodeResult } from '../../schemas/result.ts';
import type { RecentFrameCache } from '../frames/recent-frames.ts';
import type { FairQueue, Queues } from '../limits/fair-queue.ts';

/** Metrics for Prometheus. */
export interface Metrics {
  /** Records the time of a request. */
  request(operation: string, status: number, seconds: number): void;
  /** Counts the prefixes and the engine usage of a scored episode. */
  scored(result: EpisodeResult): void;
  /** Counts a problem that was sent as a line of a response with status 200. */
  streamedProblem(code: string): void;
  /** Returns all metrics and their media type. */
  expose(): Promise<{ type: string; text: string }>;
}

/**
 * Creates the metrics of the service and of its process.
 * @param queues every queue in which a request can wait: uploads wait in `admission`, rendered frames in `frame-memory`
 */
export function createMetrics(
  queues: Queues & { admission: FairQueue; 'frame-memory': FairQueue },
  recentFrames: RecentFrameCache,
): Metrics {
  const { admission, 'frame-memory': frameMemory } = queues;
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const name = (suffix: string) => `topreward_${suffix}`;
  const seconds = new Histogram({
    name: name('request_seconds'),
    help: 'Time from the first byte of a request to the last byte of its response, in seconds.',
    labelNames: ['operation', 'status'],
    // The last one is the default of BATCH_DEADLINE_S.
    buckets: [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600],
    registers,
  });
  const counter = (suffix: string, help: string) => new Counter({ name: name(suffix), help, registers });
  const prefixes = counter('prefixes_total', 'Prefixes scored.');
  const requests = counter('engine_requests_total', 'Requests to the engine, repeats included.');
  const resends = counter(
    'engine_resends_total',
    'Requests to the engine that were repeated with all data, because the engine had lost a block or the connection failed.',
  );
  const promptTokens = counter('engine_prompt_tokens_total', 'Prompt tokens in the requests to the engine.');
  const cachedTokens = counter(
    'engine_cached_tokens_total',
    'Prompt tokens that the engine found in its prefix cache.',
  );
  const generatedTokens = counter('engine_generated_tokens_total', 'Tokens that the engine wrote for `gvl`.');
  const bytes = counter('engine_bytes_total', 'Bytes of request bodies sent to the engine.');
  const problemLines = new Counter({
    name: name('problem_lines_total'),
    help: 'Problems sent as a line, with HTTP status 200.',
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
  gauge('episodes_active', 'Requests that are being processed.', () => admission.state().active);
  gauge('episodes_waiting', 'Requests that wait to be admitted.', () => admission.state().waiting);
  gauge('upload_bytes_held', 'Memory reserved for uploads, in bytes.', () => admission.state().bytes);
  gauge('frame_bytes_held', 'Memory reserved for rendered frames, in bytes.', () => frameMemory.state().bytes);
  gauge(
    'recent_frame_bytes_held',
    'Uploaded frames that are kept for the next step of growing episodes, in bytes.',
    recentFrames.bytes,
  );

  const ofQueues = (suffix: 'queue_active' | 'queue_waiting', help: string, read: (queue: FairQueue) => number) =>
    new Gauge({
      name: name(suffix),
      help,
      labelNames: ['queue'],
      registers,
      collect() {
        for (const [queue, each] of Object.entries(queues)) this.set({ queue }, read(each));
      },
    });
  ofQueues('queue_active', 'Work that has a place, by queue.', (queue) => queue.state().active);
  ofQueues('queue_waiting', 'Work that waits for a place or for memory, by queue.', (queue) => queue.state().waiting);

  return {
    request: (operation, status, time) => seconds.observe({ operation, status }, time),
    scored(result) {
      const { usage } = result;
      if ('prefixes' in result) prefixes.inc(result.prefixes.length);
      requests.inc(usage.engine_requests);
      resends.inc(usage.engine_resends);
      promptTokens.inc(usage.prompt_tokens);
      cachedTokens.inc(usage.cached_tokens ?? 0);
      if ('generated_tokens' in usage) generatedTokens.inc(usage.generated_tokens);
      bytes.inc(usage.engine_bytes);
    },
    streamedProblem: (code) => problemLines.inc({ code }),
    expose: async () => ({ type: registry.contentType, text: await registry.metrics() }),
  };
}
