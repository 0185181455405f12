import { createHash } from 'node:crypto';
import { pngFile, testPixels, turnedJpeg } from '../support/images.ts';
import { EIGHT, EPISODE, frameParts, JPEGS, jsonPart, postForm, postFrames, type Requests, SHORT } from './requests.ts';

const BOUNDS = { low: -4, high: -0.5 };

/** @param model name of the served model */
export const calibrationOf = (model: string) => ({
  model,
  prompt: 'open',
  final_prefixes: 3,
  threshold: -1.5,
  bounds: { low: -5, high: -0.25 },
  best: null,
  precise: null,
  auc: null,
  counts: { episodes: 12, successes: 6, failures: 6, ranges: 6 },
  warnings: [],
});

const ALL_SIGNALS = {
  values: { gamma: 0.9, missing: 'interpolate' },
  shaping: { gamma: 0.95 },
  cloning_weights: { tau: 1.5, delta_max: 3 },
  rabc_weights: { chunk: 3, kappa: 0.2, epsilon: 1e-5, statistics: { mean: 0.1, std: 0.2 } },
};

/** Every option of an episode. @param model name of the served model */
export const optionRequests = (model: string): Requests => ({
  'an id, the prompt chat and token ids': postFrames({
    ...SHORT,
    id: 'episode 7',
    prompt: 'chat',
    include_token_ids: true,
  }),
  'other answers, and log odds as the reward': postFrames({
    ...SHORT,
    answers: { true_texts: [' True', 'True'], false_texts: [' False', 'False'], reward: 'log_odds' },
  }),
  'token ids of the prompt open': postFrames({ ...SHORT, prefixes: { last: 1 }, include_token_ids: true }),
  'timestamps, and a count of prefixes': postFrames({
    instruction: 'Open the drawer, then close it.',
    timestamps_s: [10, 10.2, 10.7, 11.1, 11.9, 12, 13, 13.4],
    prefixes: { count: 4 },
  }),
  'every third prefix': postFrames({ ...EPISODE, prefixes: { every: 3 } }),
  'lengths of prefixes': postFrames({ ...SHORT, prefixes: { lengths: [1, 2, 5, 8] } }),
  'the last prefixes': postFrames({ ...SHORT, prefixes: { last: 3 } }),
  'native frames': postFrames({ ...SHORT, frame_size: 'native', prefixes: { last: 2 } }),
  'a budget of pixels': postFrames({ ...SHORT, frame_size: 'budget', max_pixels: 20_000, prefixes: { last: 2 } }),
  'a threshold and final prefixes': postFrames({ ...SHORT, success: { threshold: -1, final_prefixes: 2 } }),
  'bounds of progress': postFrames({ ...SHORT, progress: { bounds: BOUNDS } }),
  'no progress': postFrames({ ...SHORT, progress: { scale: 'none' } }),
  'a calibration': postFrames({ ...SHORT, calibration: calibrationOf(model) }),
  'a calibration for other final prefixes, and the scale episode': postFrames({
    ...SHORT,
    calibration: calibrationOf(model),
    success: { final_prefixes: 1 },
    progress: { scale: 'episode' },
  }),
  'all training signals': postFrames({ ...SHORT, progress: { bounds: BOUNDS }, training: ALL_SIGNALS }),
  'training signals with their defaults': postFrames({
    ...SHORT,
    prefixes: { every: 3 },
    progress: { bounds: BOUNDS },
    training: { values: {}, shaping: {}, cloning_weights: {}, rabc_weights: { chunk: 2 } },
  }),
  'no training signals': postFrames({ ...SHORT, prefixes: { last: 1 }, training: {} }),
  'all controls': postFrames({
    ...SHORT,
    prefixes: { every: 2 },
    controls: { static: true, reversed: true, other_instruction: 'Close the drawer.' },
  }),
  'a calibration of the corrected curve': postFrames({
    ...SHORT,
    prefixes: { count: 4 },
    controls: { static: true },
    calibration: { ...calibrationOf(model), curve: 'corrected', threshold: 1, bounds: { low: 0, high: 3 } },
  }),
  'a calibration of the corrected curve without its control': postFrames({
    ...SHORT,
    calibration: { ...calibrationOf(model), curve: 'corrected' },
  }),
  'an undefined correlation as zero': postFrames({ ...SHORT, prefixes: { last: 1 }, undefined_voc: 'zero' }),
});

const rgba = pngFile({ colour: 6, samples: testPixels({}, 4) });

/** Episodes with warnings. */
export const WARNED: Requests = {
  'frames with an alpha channel, and unknown words': postFrames(
    { ...SHORT, instruction: 'Zap the zebra.', prefixes: { last: 1 } },
    [rgba, rgba],
  ),
  'a frame with an orientation': postFrames({ ...SHORT, prefixes: { last: 1 } }, [turnedJpeg(JPEGS[0] as Buffer, 6)]),
  'equal frames': postFrames({ ...SHORT, prefixes: { count: 3 } }, Array(6).fill(EIGHT[0])),
  'a long episode': postFrames(
    { ...SHORT, prefixes: { last: 1 } },
    Array.from({ length: 50 }, (_, i) => EIGHT[i % 8] as Buffer),
  ),
};

/** 2048×2048 black pixels. */
const large = pngFile({ width: 2048, height: 2048, samples: Buffer.alloc(2048 * 2048 * 3) });

/** The reference would shrink the frames of this episode, because they have too many pixels together. */
export const LARGE: Requests = {
  'seven large frames': postFrames({ ...SHORT, frame_size: 'native', prefixes: { last: 1 } }, Array(7).fill(large)),
};

/** The digests of these files are recorded, so the files must always be the same. */
const STEPS = JPEGS.slice(9, 17);
const digests = STEPS.map((file) => createHash('sha256').update(file).digest('hex'));

/** A step of a growing episode with `count` frames. @param sent numbers of the frames that are sent */
const step = (count: number, sent: number[], more: object = {}) =>
  postForm([
    jsonPart('episode', { ...SHORT, frame_digests: digests.slice(0, count), ...more }),
    ...frameParts(sent.map((index) => STEPS[index] as Buffer)),
  ]);

/** The steps of a growing episode, in order. */
export const GROWING: Requests = {
  'the newest frame is missing': step(2, [0]),
  'frames are missing': step(4, [3]),
  'all frames are sent again': step(4, [0, 1, 2, 3]),
  'the next frame': step(5, [4]),
  'the same step again, without frames': step(5, []),
  'a frame that is not listed': step(5, [6]),
  'more prefixes, progress and training signals': step(6, [5], {
    prefixes: { last: 3 },
    progress: { scale: 'episode' },
    training: { values: {}, rabc_weights: { chunk: 2 } },
  }),
  'a step with bounds': step(8, [6, 7], { progress: { bounds: BOUNDS }, training: { shaping: {} } }),
};
