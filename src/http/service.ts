import type { Config } from '../config/config.ts';
import type { Engine } from '../engine/engine.ts';
import type { RecentFrameCache } from '../frames/recent-frames.ts';
import type { Renderer } from '../frames/renderer.ts';
import type { JsonReader } from '../json/json.ts';
import type { FairQueue } from '../limits/fair-queue.ts';
import type { VideoReader } from '../video/video.ts';
import type { Metrics } from './metrics.ts';

/** The parts of the service that the routes use. */
export interface Service {
  config: Config;
  engine: Engine;
  json: JsonReader;
  renderer: Renderer;
  /** uploaded frames of growing episodes */
  recentFrames: RecentFrameCache;
  video: VideoReader;
  /** limits uploads */
  admission: FairQueue;
  /** limits the memory of rendered frames */
  renderBudget: FairQueue;
  metrics: Metrics;
}
