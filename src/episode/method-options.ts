import { DEFAULTS } from '../../schemas/defaults.ts';
import type { Episode } from '../../schemas/episode.ts';
import type { GvlFormat, GvlOptions, LikelihoodReward, MethodName } from '../../schemas/method.ts';
import type { FieldError } from '../../schemas/problem.ts';
import { invalidRequest } from '../checking/field-errors.ts';

/** What the reward of the method `instruction_likelihood` is. */
export interface ChosenLikelihood {
  reward: LikelihoodReward;
  /** whether it counts the full stop after the instruction */
  fullStop: boolean;
}

/** Which frames the method `gvl` shows, in which order, and how the model writes. */
interface ChosenGvl {
  /** how many frames, evenly spaced, or their raw numbers in increasing order */
  shown: number | number[];
  /** seed of the order, or the raw numbers of all shown frames in the order itself */
  order: { seed: number } | number[];
  format: GvlFormat;
  maxTokens: number;
}

/** The method of an episode, with its options. */
export interface ChosenMethod {
  method: MethodName;
  likelihood: ChosenLikelihood;
  gvl: ChosenGvl;
}

const TOPREWARD_ONLY = 'requires `method: "topreward"`; leave it out';
const LIKELIHOOD_ONLY = 'requires `method: "instruction_likelihood"`; leave it out, or send this method';
const GVL_ONLY = 'requires `method: "gvl"`; leave it out, or send this method';
const PREFIXES_ONLY = 'cannot be combined with `method: "gvl"`, which scores no prefixes; leave it out';
const GVL_OWN = 'cannot be combined with `method: "gvl"`, which has its own; leave it out';

/** Options that a method does not have, and why. */
const REFUSED: Record<MethodName, Partial<Record<keyof Episode, string>>> = {
  topreward: { likelihood: LIKELIHOOD_ONLY, gvl: GVL_ONLY },
  instruction_likelihood: {
    gvl: GVL_ONLY,
    prompt:
      'cannot be combined with `method: "instruction_likelihood"`, whose prompt ends with the instruction; leave it out',
    answers: TOPREWARD_ONLY,
    top_answers: TOPREWARD_ONLY,
    calibration: `${TOPREWARD_ONLY}, and send a threshold as \`success.threshold\``,
    controls: `${TOPREWARD_ONLY}, and send the other instruction or the other frames as an episode of their own`,
  },
  gvl: {
    likelihood: LIKELIHOOD_ONLY,
    frame_digests:
      'cannot be combined with `method: "gvl"`, which shows frames of all of the episode; send the complete episode',
    prefixes: 'cannot be combined with `method: "gvl"`, which shows single frames; send `gvl.count` or `gvl.frames`',
    pipeline: PREFIXES_ONLY,
    frame_size: GVL_OWN,
    max_pixels: GVL_OWN,
    prompt: GVL_OWN,
    answers: TOPREWARD_ONLY,
    top_answers: TOPREWARD_ONLY,
    success: PREFIXES_ONLY,
    progress: PREFIXES_ONLY,
    calibration: TOPREWARD_ONLY,
    training: PREFIXES_ONLY,
    controls: TOPREWARD_ONLY,
  },
};

/**
 * The method of an episode, and its options with the defaults filled in.
 * @param pointer JSON pointer to the episode in the request
 * @throws ProblemError invalid-request for options that the method does not have, and for two that exclude each other
 */
export function chooseMethod(episode: Episode, pointer: string): ChosenMethod {
  const { method = DEFAULTS.method, likelihood = {}, gvl = {} } = episode;
  const refused = Object.entries(REFUSED[method])
    .filter(([name]) => Object.hasOwn(episode, name))
    .map(([name, detail]) => ({ pointer: `${pointer}/${name}`, detail }));
  const mistakes = [...refused, ...gvlMistakes(gvl, `${pointer}/gvl`)];
  if (mistakes.length > 0) throw invalidRequest(mistakes);
  return {
    method,
    likelihood: {
      reward: likelihood.reward ?? DEFAULTS.likelihood.reward,
      fullStop: likelihood.full_stop ?? DEFAULTS.likelihood.full_stop,
    },
    gvl: {
      shown: gvl.frames ?? gvl.count ?? DEFAULTS.gvl.count,
      order: gvl.order ?? { seed: gvl.seed ?? DEFAULTS.gvl.seed },
      format: gvl.format ?? DEFAULTS.gvl.format,
      maxTokens: gvl.max_tokens ?? DEFAULTS.gvl.max_tokens,
    },
  };
}

function gvlMistakes({ count, frames = [], seed, order }: GvlOptions, pointer: string): FieldError[] {
  const mistakes: FieldError[] = [];
  if (count !== undefined && frames.length > 0)
    mistakes.push({ pointer: `${pointer}/count`, detail: 'cannot be combined with `frames`; send one of them' });
  if (seed !== undefined && order)
    mistakes.push({ pointer: `${pointer}/seed`, detail: 'cannot be combined with `order`; send one of them' });
  const wrong = frames.findIndex((frame, i) => frame <= (frames[i - 1] ?? -1));
  if (wrong >= 0)
    mistakes.push({ pointer: `${pointer}/frames/${wrong}`, detail: 'must be larger than the frame number before it' });
  return mistakes;
}
