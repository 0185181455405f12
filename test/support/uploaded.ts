import type { Test } from 'tap';
import { loadConfig } from '../../src/config/config.ts';
import { collectFrames, type Frames } from '../../src/frames/frames.ts';
import { createRecentFrameCache } from '../../src/frames/recent-frames.ts';
import { createRenderer } from '../../src/frames/renderer.ts';

/** Makes the Frames of an episode from image files, as an upload does. Every frame can be rendered, and more than once. */
export async function uploadedFrames(t: Test, files: Buffer[]): Promise<Frames> {
  const config = loadConfig({});
  const renderer = createRenderer(1, config.MAX_FRAME_PIXELS);
  t.teardown(() => renderer.close());
  const collector = collectFrames(config, renderer, createRecentFrameCache(0).of(''), '');
  collector.expect({ clock: { fps: 2 }, frameDigests: undefined, holdsAll: true, renderedAgain: true }, '');
  for (const [frame, file] of files.entries()) await collector.addImage(file, { frame });
  return collector.finish();
}
