import type { FrameSizeMode } from '../../schemas/enumerations.ts';
import type { FrameSize } from '../../schemas/reward.ts';

/**
 * Makes the function that gives the size at which all frames of an episode are sent.
 * @param multiple the processor of the model works on multiples of this many pixels
 */
export function sentSizeOf(multiple: number) {
  /**
   * `reference` is the model's own size. `budget` changes only frames with more pixels. It nearly keeps the aspect ratio: both sides
   * become multiples of `multiple`, at least `multiple`.
   * @param source size of the uploaded frames
   * @param reference the model's own size
   * @param maxPixels for `budget`: pixels per frame, ≥ 1024
   */
  return (mode: FrameSizeMode, source: FrameSize, reference: FrameSize, maxPixels: number | undefined): FrameSize => {
    if (mode === 'reference') return { ...reference };
    const pixels = source.width * source.height;
    if (mode === 'native' || maxPixels === undefined || pixels <= maxPixels) return { ...source };
    const scale = Math.sqrt(maxPixels / pixels);
    const fit = (side: number) => Math.max(1, Math.floor((side * scale) / multiple)) * multiple;
    return { width: fit(source.width), height: fit(source.height) };
  };
}
