import type { FrameSize } from '../../schemas/reward.ts';
import { ProblemError } from '../problems/problems.ts';

/** The header of a .npy file of frames. */
interface NpyHeader {
  /** number of frames */
  count: number;
  size: FrameSize;
  /** offset of the pixels in the file, in bytes */
  start: number;
}

const MAGIC = Buffer.from('\x93NUMPY', 'latin1');
const MAX_HEADER = 64 * 1024;

/**
 * Reads the header of a NumPy file of frames: uint8, shape T×H×W×3, C order.
 * Format: numpy.lib.format, versions 1 to 3.
 * @param file the first bytes of the file
 * @returns undefined if the header needs more bytes
 * @throws ProblemError invalid-npy
 */
function readNpyHeader(file: Buffer): NpyHeader | undefined {
  if (!file.subarray(0, 6).equals(MAGIC.subarray(0, file.length)))
    throw npyFault('The file is not a .npy file. Write it with numpy.save.');
  if (file.length < 12) return undefined;
  const version = file.readUInt8(6);
  if (version < 1 || version > 3)
    throw npyFault(`The .npy format version ${version} is not supported. Use a version from 1 to 3.`);
  const offset = version === 1 ? 10 : 12;
  const length = version === 1 ? file.readUInt16LE(8) : file.readUInt32LE(8);
  if (length > MAX_HEADER) throw npyFault(`The header of the .npy file is longer than ${MAX_HEADER} bytes.`);
  if (file.length < offset + length) return undefined;
  return { ...parseHeader(file.toString('latin1', offset, offset + length)), start: offset + length };
}

/**
 * Splits a .npy file into its frames as its bytes arrive, with one frame in memory at a time.
 * @param accept receives the header before any pixel is read; it throws to refuse the file
 * @returns height × width × 3 bytes for each frame
 * @throws ProblemError invalid-npy
 */
export async function* npyFrames(
  chunks: AsyncIterable<Buffer>,
  accept: (header: NpyHeader) => void,
): AsyncGenerator<Buffer> {
  let header: NpyHeader | undefined;
  let pending: Buffer = Buffer.alloc(0);
  let frame = Buffer.alloc(0);
  let length = 0;
  let filled = 0;
  let complete = 0;
  for await (const chunk of chunks) {
    let rest = chunk;
    if (!header) {
      pending = Buffer.concat([pending, chunk]);
      header = readNpyHeader(pending);
      if (!header) continue;
      accept(header);
      rest = pending.subarray(header.start);
      length = frameBytes(header);
      frame = Buffer.allocUnsafe(length);
    }
    while (rest.length > 0) {
      if (complete === header.count)
        throw npyFault(`The .npy file has more data than the ${header.count} frames of its shape.`);
      const taken = rest.copy(frame, filled);
      rest = rest.subarray(taken);
      filled += taken;
      if (filled < length) continue;
      // The consumer owns the frame from here on and may release its memory, so the next frame needs a new buffer.
      yield frame;
      complete += 1;
      filled = 0;
      frame = Buffer.allocUnsafe(complete < header.count ? length : 1);
    }
  }
  if (!header) throw npyFault('The .npy file ends before the end of its header.');
  if (complete < header.count)
    throw npyFault(
      `The .npy file is cut off: its shape has ${header.count} frames, but the data ends in frame ${complete}.`,
    );
}

function frameBytes({ size }: NpyHeader): number {
  return size.width * size.height * 3;
}

function parseHeader(text: string): { count: number; size: FrameSize } {
  const dtype = /'descr':\s*'([^']{0,32})'/.exec(text)?.[1];
  if (dtype !== '|u1')
    throw npyFault(`The dtype is ${dtype ?? 'not a simple one'}, but must be uint8. ${dtypeAdvice(dtype)}`);
  if (!/'fortran_order':\s*False/.test(text))
    throw npyFault('The array is in Fortran order. Save numpy.ascontiguousarray(frames).');
  const tuple = /'shape':\s*\(([\d,\s]{0,200})\)/.exec(text)?.[1];
  const shape = (tuple ?? '')
    .split(',')
    .filter((part) => part.trim() !== '')
    .map(Number);
  if (!isShapeOfFrames(shape))
    throw npyFault(
      `The shape is (${shape.join(', ')}), but must be (frames, height, width, 3). ${shapeAdvice(shape)}`.trim(),
    );
  const [count, height, width] = shape;
  if (height < 1 || width < 1) throw npyFault(`The shape is (${shape.join(', ')}): the frames have no pixels.`);
  return { count, size: { width, height } };
}

function isShapeOfFrames(shape: number[]): shape is [count: number, height: number, width: number, channels: 3] {
  return shape.length === 4 && shape[3] === 3;
}

/** @param dtype as NumPy writes it: `<f4` is float32 */
function dtypeAdvice(dtype: string | undefined): string {
  if (dtype?.[1] === 'f')
    return 'For values from 0 to 1, save (frames * 255).round().astype(numpy.uint8). For values from 0 to 255, save frames.round().astype(numpy.uint8).';
  return 'If the values are from 0 to 255, save frames.astype(numpy.uint8).';
}

function shapeAdvice(shape: number[]): string {
  const channels = shape.at(-1);
  if (shape.length === 4 && shape[1] === 3)
    return 'The channels come first: save numpy.transpose(frames, (0, 2, 3, 1)).';
  if (shape.length === 4 && channels === 4) return 'Drop the alpha channel: save frames[..., :3].';
  if (shape.length === 4 && channels === 1) return 'For grey frames, save numpy.repeat(frames, 3, axis=-1).';
  if (shape.length === 3 && channels === 3) return 'For a single frame, save frames[numpy.newaxis].';
  if (shape.length === 3) return 'For grey frames, save numpy.repeat(frames[..., numpy.newaxis], 3, axis=-1).';
  return '';
}

function npyFault(detail: string): ProblemError {
  return new ProblemError('invalid-npy', detail, { part: 'npy' });
}
