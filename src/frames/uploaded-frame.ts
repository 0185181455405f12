import type { FrameSize } from '../../schemas/reward.ts';
import type { ProblemPlace } from '../problems/problems.ts';

/** A frame as it was uploaded. */
export interface UploadedFrame {
  bytes: Buffer;
  kind: 'file' | 'rgb';
  size: FrameSize;
  /** where the frame is in the request, for problems */
  place: ProblemPlace;
}
