import type { FrameSize } from '../plan/frame-size.ts';
import type { ProblemPlace } from '../problems.ts';

/** A frame as it was uploaded. */
export interface HeldFrame {
  bytes: Buffer;
  kind: 'file' | 'rgb';
  size: FrameSize;
  /** where the frame is in the request, for problems */
  place: ProblemPlace;
}
