const MiB = 1024 * 1024;

// These limits are the measured memory plus half (docs/reference/video.md). Measured with ffmpeg 5.1, 7.0 and 9.0, and
// with H.264, H.265, VP9 and AV1 from 640×480 to 4096×4096.
/** Bytes for a program and its buffers. */
const PROBING_BASE = 128 * MiB;
const DECODING_BASE = 256 * MiB;
/** Bytes for an entry of an MP4's index, and its copy after the edit list. */
const PER_SAMPLE = 128;
/** Bytes per pixel for the frames that a decoder keeps, and for those that are being converted to RGB. */
const DECODING_PER_PIXEL = 96;
/** Bytes per pixel for ffprobe: it decodes a frame if the header does not describe the stream. */
const PROBING_PER_PIXEL = 16;

/**
 * Memory limit of ffprobe, in bytes.
 * @param samples entries of the file's index
 * @param maxFramePixels largest frame that the service accepts
 */
export function probingMemory(samples: number, maxFramePixels: number): number {
  return PROBING_BASE + PER_SAMPLE * samples + PROBING_PER_PIXEL * maxFramePixels;
}

/**
 * Memory limit of ffmpeg, in bytes.
 * @param samples entries of the file's index
 * @param pixels pixels of one frame
 */
export function decodingMemory(samples: number, pixels: number): number {
  return DECODING_BASE + PER_SAMPLE * samples + DECODING_PER_PIXEL * pixels;
}
