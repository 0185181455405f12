import type { FrameEncoding } from '../../schemas/enumerations.ts';
import type { FrameGroup } from '../plan/plan.ts';
import type { AviEncoding } from './avi-frame.ts';

/** The form of a rendered frame: that of a pair's frames, or a file of its own in base64. `raw-file` is a portable pixmap. */
export type FrameForm = FrameEncoding | `${AviEncoding}-file`;

/** A rendered frame. `bytes` is null if a growing episode names the frame and does not send it again. */
export interface EngineFrame {
  bytes: Uint8Array | null;
  /** SHA-256 of the upload, in hex. Together with the episode's frame size it identifies the pixels. */
  digest: string;
}

/** Frames that are being rendered. */
interface RenderingFrames {
  /** time spent waiting for the turn */
  waitedMs: number;
  /** time spent rendering so far, or in total when all frames are rendered */
  tookMs(): number;
  /**
   * Aborts, with the error as its reason, as soon as a frame cannot be rendered, before the iteration reaches that
   * frame.
   */
  failed: AbortSignal;
  /**
   * Frame numbers and frames in the requested order, each as soon as it is rendered. FrameGroup goes on even if nobody
   * reads the frames. Leaving the iteration stops it.
   * @throws ProblemError image-damaged; the signal's reason when it aborts
   */
  each(): AsyncGenerator<[index: number, frame: EngineFrame]>;
}

/**
 * Waits for the episode's turn and begins to render frames. Rendering releases the uploads, so each frame can be rendered only
 * once, unless the collector of the frames was told to keep every frame.
 * @param group which frames, and how they are resized
 * @throws ProblemError image-too-large; the signal's reason when it aborts
 */
export type RenderFrames = (group: FrameGroup, encoding: FrameForm, signal: AbortSignal) => Promise<RenderingFrames>;
