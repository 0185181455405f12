import type { FastifyRequest } from 'fastify';
import type { Admission } from './admission.ts';
import type { Config } from './config.ts';
import type { Engine } from './engine/engine.ts';
import type { FrameMemory } from './frames/recent-frames.ts';
import type { Renderer } from './frames/renderer.ts';
import type { JsonReader } from './json/json.ts';
import type { Metrics } from './metrics.ts';
import type { VideoReader } from './video/video.ts';

/** The parts of the service that the routes use. */
export interface Service {
  config: Config;
  engine: Engine;
  json: JsonReader;
  renderer: Renderer;
  /** uploaded frames of growing episodes */
  recentFrames: FrameMemory;
  video: VideoReader;
  /** limits uploads */
  admission: Admission;
  /** limits the memory of rendered frames */
  frameMemory: Admission;
  metrics: Metrics;
  /** Returns the tenant of a request. @throws ProblemError unauthorized or too-many-wrong-keys */
  authenticate(request: FastifyRequest): string;
}
