import type { FrameSize } from '../plan/frame-size.ts';
import { ProblemError } from '../problems.ts';

/** What the header of a .npy file of frames says. */
export interface NpyHeader {
  count: number;
  size: FrameSize;
  /** where the pixels start in the file, bytes */
  start: number;
}

const MAGIC = Buffer.from('\x93NUMPY', 'latin1');
const MAX_HEADER = 64 * 1024;

/**
 * Reads the header of a NumPy file of frames: uint8, shape T×H×W×3, C order.
 * Format: numpy.lib.format, versions 1 to 3.
 * @param file its first bytes
 * @returns undefined where more bytes are needed
 * @throws ProblemError invalid-npy
 */
export function readNpyHeader(file: Buffer): NpyHeader | undefined {
  if (!file.subarray(0, 6).equals(MAGIC.subarray(0, file.length)))
    throw npyFault('The file does not start like a .npy file.');
  if (file.length < 12) return undefined;
  const version = file[6] as number;
  if (version < 1 || version > 3) throw npyFault(`Format version ${version} is not known.`);
  const offset = version === 1 ? 10 : 12;
  const length = version === 1 ? file.readUInt16LE(8) : file.readUInt32LE(8);
  if (length > MAX_HEADER) throw npyFault('The header is too long.');
  if (file.length < offset + length) return undefined;
  return { ...parseHeader(file.toString('latin1', offset, offset + length)), start: offset + length };
}

/**
 * Cuts a .npy file into its frames as its bytes come in, one frame in memory at a time.
 * @param accept told of the header before any pixel is read; throws to refuse
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
        throw npyFault(`The file holds more than the ${header.count} frames of its shape.`);
      const taken = rest.copy(frame, filled);
      rest = rest.subarray(taken);
      filled += taken;
      if (filled < length) continue;
      // From here on it is the reader's, who may let it go.
      yield frame;
      complete += 1;
      filled = 0;
      frame = Buffer.allocUnsafe(complete < header.count ? length : 1);
    }
  }
  if (!header) throw npyFault('The file ends before its header does.');
  if (complete < header.count)
    throw npyFault(`The shape says ${header.count} frames, the file ends in frame ${complete}.`);
}

function frameBytes({ size }: NpyHeader): number {
  return size.width * size.height * 3;
}

function parseHeader(text: string): { count: number; size: FrameSize } {
  const dtype = /'descr':\s*'([^']{0,32})'/.exec(text)?.[1];
  if (dtype !== '|u1') throw npyFault(`The dtype is ${dtype ?? 'not a plain one'}. ${dtypeAdvice(dtype)}`);
  if (!/'fortran_order':\s*False/.test(text))
    throw npyFault('The array is in Fortran order; save numpy.ascontiguousarray(frames).');
  const tuple = /'shape':\s*\(([\d,\s]{0,200})\)/.exec(text)?.[1];
  const shape = (tuple ?? '')
    .split(',')
    .filter((part) => part.trim() !== '')
    .map(Number);
  const [count, height, width, channels] = shape as [number, number, number, number];
  if (shape.length !== 4 || channels !== 3)
    throw npyFault(
      `The shape is (${shape.join(', ')}); (frames, height, width, 3) is needed. ${shapeAdvice(shape)}`.trim(),
    );
  if (height < 1 || width < 1) throw npyFault(`The shape is (${shape.join(', ')}): frames without pixels.`);
  return { count, size: { width, height } };
}

/** @param dtype as NumPy writes it: `<f4` is float32 */
function dtypeAdvice(dtype: string | undefined): string {
  if (dtype?.[1] === 'f')
    return 'Save frames of 0 to 1 as (frames * 255).round().astype(numpy.uint8), frames of 0 to 255 as frames.round().astype(numpy.uint8).';
  return 'Save the frames as uint8: frames.astype(numpy.uint8), if they hold 0 to 255.';
}

function shapeAdvice(shape: number[]): string {
  const channels = shape.at(-1);
  if (shape.length === 4 && shape[1] === 3) return 'Channels come first: save numpy.transpose(frames, (0, 2, 3, 1)).';
  if (shape.length === 4 && channels === 4) return 'Drop the alpha channel: save frames[..., :3].';
  if (shape.length === 4 && channels === 1) return 'Grey frames: save numpy.repeat(frames, 3, axis=-1).';
  if (shape.length === 3 && channels === 3) return 'One frame alone: save frames[numpy.newaxis].';
  if (shape.length === 3) return 'Grey frames: save numpy.repeat(frames[..., numpy.newaxis], 3, axis=-1).';
  return '';
}

function npyFault(detail: string): ProblemError {
  return new ProblemError('invalid-npy', detail, { part: 'npy' });
}
