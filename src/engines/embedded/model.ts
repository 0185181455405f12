import { join } from 'node:path';
import type { InferenceSession, Tensor } from 'onnxruntime-node';
import type { VideoGrid } from './checkpoint.ts';
import { loadOnnxruntime } from './onnxruntime.ts';
import type { KeysValues } from './past.ts';
import { positionsOf } from './positions.ts';

const ort = await loadOnnxruntime();

/** New tokens. Each attends to a part of the past, and to the tokens before it in its own segment. */
export interface Segment {
  ids: number[];
  /** position of its first token */
  start: number;
  /** how many tokens of the past it attends to, from the first one on */
  sees: number;
  /** features of its video tokens, in order: tokens × feature width */
  features: Float32Array;
}

/**
 * The two graphs of an exported checkpoint (docs/reference/embedded-engine.md). Each call blocks the thread that runs
 * it.
 */
export interface Model {
  /** how many numbers one token has in the keys, and in the values */
  width: number;
  /** version of onnxruntime */
  onnxruntime: string;
  /**
   * Runs the vision graph.
   * @param blocks two frames of RGB pixels each
   * @returns features of all their video tokens, in order
   */
  encodeFrames(blocks: Uint8Array[][]): Promise<Float32Array>;
  /**
   * Runs the decoder graph.
   * @param answers for each segment, ids of the tokens whose log probability is read after each of its last tokens; all rows of
   * all segments have the same length
   * @returns for each segment and row the log probability of every answer token, as a natural logarithm; keys and values of all
   * new tokens
   */
  read(
    segments: Segment[],
    past: KeysValues,
    answers: number[][][],
  ): Promise<{ logProbs: number[][][]; new: KeysValues }>;
  close(): Promise<void>;
}

const EXPORT = 'Export the checkpoint with models/recipe/export.py';

/**
 * Opens the graphs of a checkpoint.
 * @param threads how many threads a call may use
 * @throws Error if a graph is missing or does not have the documented form
 */
export async function openModel(folder: string, grid: VideoGrid, threads: number): Promise<Model> {
  const options: InferenceSession.SessionOptions = {
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    // Shapes change from call to call, and onnxruntime would make and keep a memory plan for each shape.
    enableMemPattern: false,
    // By default idle threads spin, which takes the cores away from the renderer and the service.
    extra: { session: { intra_op: { allow_spinning: '0' } } },
    // Faults are thrown, and the service logs them.
    logSeverityLevel: 4,
  };
  const vision = await ort.InferenceSession.create(join(folder, 'onnx', 'vision.onnx'), options);
  const decoder = await ort.InferenceSession.create(join(folder, 'onnx', 'decoder.onnx'), options);
  const [, , height, width] = shapeOf(vision, 'frames');
  const [, featureWidth] = shapeOf(decoder, 'features');
  if (height === undefined || width === undefined || featureWidth === undefined)
    throw new Error(`an input of a graph has too few dimensions. ${EXPORT}`);
  const past = shapeOf(decoder, 'past_keys').slice(1);
  const pixels = height * width * 3;
  const tokenWidth = past.reduce((product, length) => product * length, 1);

  return {
    width: tokenWidth,
    onnxruntime: ort.env.versions.node ?? ort.env.versions.common,
    async encodeFrames(blocks) {
      const frames = new Uint8Array(blocks.length * 2 * pixels);
      for (const [place, frame] of blocks.flat().entries()) frames.set(frame, place * pixels);
      const results = await vision.run({
        frames: new ort.Tensor('uint8', frames, [blocks.length, 2, height, width, 3]),
      });
      return floatsOf(results, 'features');
    },
    async read(segments, { keys, values }, answers) {
      const { ids, featureIndex, positions, visiblePast, segment, ends } = flatten(segments, grid);
      const rows = answers.flat();
      const width = rows[0]?.length ?? 0;
      const places = answers.flatMap((each, i) =>
        each.map((_, row) => (ends[i] ?? Number.NaN) - each.length + 1 + row),
      );
      const features = concatenate(segments.map((each) => each.features));
      const pastShape = [keys.length / tokenWidth, ...past];
      const results = await decoder.run({
        input_ids: integers(ids, [ids.length]),
        features: new ort.Tensor('float32', features, [features.length / featureWidth, featureWidth]),
        feature_index: integers(featureIndex, [ids.length]),
        position_ids: integers(positions, [3, ids.length]),
        visible_past: integers(visiblePast, [ids.length]),
        segment: integers(segment, [ids.length]),
        past_keys: new ort.Tensor('float32', keys, pastShape),
        past_values: new ort.Tensor('float32', values, pastShape),
        read: integers(places, [places.length]),
        answers: integers(rows.flat(), [rows.length, width]),
      });
      const read = floatsOf(results, 'log_probs');
      let row = 0;
      const next = () => [...read.subarray(row * width, ++row * width)];
      return {
        logProbs: answers.map((each) => each.map(next)),
        new: { keys: floatsOf(results, 'keys'), values: floatsOf(results, 'values') },
      };
    },
    async close() {
      await vision.release();
      await decoder.release();
    },
  };
}

/** Makes the decoder's inputs that have one number per token: the segments one after another. */
function flatten(segments: Segment[], grid: VideoGrid) {
  const places = segments.map(({ ids, start }) => positionsOf(ids, start, grid));
  const ids = segments.flatMap((each) => each.ids);
  let videoTokens = 0;
  return {
    ids,
    featureIndex: ids.map((id) => (id === grid.token ? videoTokens++ : -1)),
    positions: [
      ...places.flatMap(({ time }) => time),
      ...places.flatMap(({ row }) => row),
      ...places.flatMap(({ column }) => column),
    ],
    visiblePast: segments.flatMap((each) => each.ids.map(() => each.sees)),
    segment: segments.flatMap((each, place) => each.ids.map(() => place)),
    ends: segments.map((_, place) => segments.slice(0, place + 1).reduce((sum, each) => sum + each.ids.length, 0) - 1),
  };
}

/** Lengths of an input's dimensions; NaN for a variable length. */
function shapeOf(session: InferenceSession, name: string): number[] {
  const input = session.inputMetadata.find((each) => each.name === name);
  if (!input?.isTensor) throw new Error(`a graph has no input named ${name}. ${EXPORT}`);
  return input.shape.map(Number);
}

/** The numbers of an output. @throws Error if a graph does not have it, or not in float32 */
function floatsOf(results: InferenceSession.ReturnType, name: string): Float32Array {
  const data = results[name]?.data;
  if (data instanceof Float32Array) return data;
  throw new Error(`a graph has no output of float32 named ${name}. ${EXPORT}`);
}

function concatenate(arrays: Float32Array[]): Float32Array {
  const whole = new Float32Array(arrays.reduce((sum, { length }) => sum + length, 0));
  let filled = 0;
  for (const array of arrays) {
    whole.set(array, filled);
    filled += array.length;
  }
  return whole;
}

function integers(numbers: number[], shape: number[]): Tensor {
  return new ort.Tensor('int64', BigInt64Array.from(numbers, BigInt), shape);
}
