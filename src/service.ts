import type { FastifyRequest } from 'fastify';
import type { Admission } from './admission.ts';
import type { Config } from './config.ts';
import type { Engine } from './engine/engine.ts';
import type { FrameMemory } from './frames/recent-frames.ts';
import type { Renderer } from './frames/renderer.ts';
import type { JsonReader } from './json/json.ts';
import type { Metrics } from './metrics.ts';
import type { VideoReader } from './video/video.ts';

/** What the routes are built from. */
export interface Service {
  config: Config;
  engine: Engine;
  json: JsonReader;
  renderer: Renderer;
  /** frames of growing episodes */
  recentFrames: FrameMemory;
  video: VideoReader;
  /** bounds uploads */
  admission: Admission;
  /** bounds rendered frames */
  frameMemory: Admission;
  metrics: Metrics;
  /** @returns the tenant; throws ProblemError unauthorized */
  authenticate(request: FastifyRequest): string;
}
