const MiB = 1024 * 1024;

// Measured with ffmpeg 5.1, 7.0 and 9.0, H.264, H.265, VP9 and AV1 of 640×480 to 4096×4096 (docs/video.md): half as much again.
/** A program and its buffers. */
const PROBING_BASE = 128 * MiB;
const DECODING_BASE = 256 * MiB;
/** An entry of an MP4's index, and its copy after the edit list. */
const PER_SAMPLE = 128;
/** Frames that a decoder keeps, and those on the way out as RGB. */
const DECODING_PER_PIXEL = 96;
/** ffprobe decodes a frame of what its header does not describe. */
const PROBING_PER_PIXEL = 16;

/** @param samples of the file's index @returns bytes that ffprobe may take */
export function probingMemory(samples: number, maxFramePixels: number): number {
  return PROBING_BASE + PER_SAMPLE * samples + PROBING_PER_PIXEL * maxFramePixels;
}

/** @param samples of the file's index @param pixels of a frame @returns bytes that ffmpeg may take */
export function decodingMemory(samples: number, pixels: number): number {
  return DECODING_BASE + PER_SAMPLE * samples + DECODING_PER_PIXEL * pixels;
}
