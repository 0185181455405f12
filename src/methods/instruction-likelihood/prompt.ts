/**
 * The text between the video and the instruction.
 * Source: arXiv 2602.19313, Appendix A, Eq. 6. The instruction follows after a space, and a full stop after that.
 */
export const BEFORE_INSTRUCTION =
  'The above video shows a robot manipulation trajectory that completes the following task:';
