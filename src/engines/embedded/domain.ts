import type { FrameSize } from '../../../schemas/reward.ts';
import type { TrainingDomain } from '../../engine/served-model.ts';
import type { EpisodeWarning } from '../../problems/warnings.ts';

/** The parts of an episode that are compared with the model's training data. */
interface ComparedEpisode {
  instruction: string;
  /** blocks of the longest prefix */
  blocks: number;
  /** RGB pixels of some of the sampled frames, height × width × 3 each */
  pictures: Uint8Array[];
  size: FrameSize;
}

const WORDS_NAMED = 8;
const WORD_LETTERS = 24;

/** Makes a warning for each part of a request that lies outside the model's training data. */
export function domainWarnings({ words, picture, blocks }: TrainingDomain, episode: ComparedEpisode): EpisodeWarning[] {
  const warnings: EpisodeWarning[] = [];
  const strange = unknownWords(episode.instruction, words);
  if (strange.length > 0) {
    const named = strange.slice(0, WORDS_NAMED).map((word) => [...word].slice(0, WORD_LETTERS).join(''));
    const more = strange.length > named.length ? ` and ${strange.length - named.length} more` : '';
    warnings.push({
      code: 'unfamiliar-words',
      message: `The model was not trained on these words of the instruction: ${named.join(', ')}${more}.`,
    });
  }
  const distance = Math.max(...episode.pictures.map((pixels) => distanceTo(picture, pixels, episode.size)));
  if (distance > picture.distance) {
    warnings.push({
      code: 'unfamiliar-frames',
      message: `The frames are unlike the model's training data. They differ from its mean frame by ${distance.toFixed(1)} grey levels; the limit is ${picture.distance}. Check the camera, and that the colours are RGB.`,
    });
  }
  if (episode.blocks > blocks) {
    warnings.push({
      code: 'beyond-training-length',
      message: `The longest prefix has ${2 * episode.blocks} frames in its prompt. The model was trained on at most ${2 * blocks}.`,
    });
  }
  return warnings;
}

function unknownWords(instruction: string, taught: string[]): string[] {
  const known = new Set(taught);
  const words = instruction.toLowerCase().match(/\p{L}+/gu) ?? [];
  return [...new Set(words)].filter((word) => !known.has(word));
}

/** Mean absolute difference between the squares of a frame and those of the mean training frame, in grey levels. */
function distanceTo({ side, mean }: TrainingDomain['picture'], pixels: Uint8Array, size: FrameSize): number {
  const squares = areaMeans(pixels, size, side);
  // readCheckpoint has checked that both lists have the same length.
  return squares.reduce((sum, value, i) => sum + Math.abs(value - (mean[i] as number)), 0) / squares.length;
}

/**
 * Divides a frame into side × side squares and computes the mean colour of each, row by row.
 * @param pixels height × width × 3
 * @returns side × side × 3 numbers in 0…255
 */
export function areaMeans(pixels: Uint8Array, { width, height }: FrameSize, side: number): number[] {
  // This runs for every pixel. All indices are below the lengths, so checks would only cost time.
  const sums = Array<number>(side * side * 3).fill(0);
  const counts = Array<number>(side * side).fill(0);
  for (let y = 0; y < height; y += 1) {
    const row = Math.floor((y * side) / height) * side;
    for (let x = 0; x < width; x += 1) {
      const square = row + Math.floor((x * side) / width);
      counts[square] = (counts[square] as number) + 1;
      for (let c = 0; c < 3; c += 1)
        sums[square * 3 + c] = (sums[square * 3 + c] as number) + (pixels[(y * width + x) * 3 + c] as number);
    }
  }
  return sums.map((sum, i) => sum / (counts[Math.floor(i / 3)] as number));
}
