import { collectFrames } from '../frames/frames.ts';
import { checkNamedFrames } from '../plan/context.ts';
import { createUploadReader, type UploadReader } from '../upload/upload.ts';
import type { Service } from './service.ts';

/** Creates a reader for one episode of a tenant. @param owner.signal aborts when the episode is no longer needed */
export function createEpisodeReader(
  { config, engine, renderer, recentFrames, video }: Service,
  { tenant, signal }: { tenant: string; signal: AbortSignal },
): UploadReader {
  const frames = collectFrames(config, renderer, recentFrames.of(tenant), tenant);
  return createUploadReader(config, frames, video, {
    tenant,
    signal,
    controlTokenIn: (text) => engine.describe().family.controlTokenIn(text),
    refuse: (episode) => checkNamedFrames(episode, engine.describe()),
  });
}
