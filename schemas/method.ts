import { type Static, Type } from 'typebox';
import { DEFAULTS } from './defaults.ts';

const closed = { additionalProperties: false };

export const MethodName = (usage: { default?: string } = {}) =>
  Type.Enum(['topreward', 'instruction_likelihood', 'gvl'], {
    title: 'MethodName',
    description:
      'How the model is asked. With `topreward`, the reward of a prefix is the log probability of True. With `instruction_likelihood`, it is the log probability of the words of the instruction; the paper compares both. With `gvl`, the model receives single frames in random order and writes a percentage for each. This is the baseline of the paper. `methods` of `GET /v1/model` says which of them this service can use.',
    ...usage,
  });
export type MethodName = Static<ReturnType<typeof MethodName>>;

export const LikelihoodReward = (usage: { default?: string } = {}) =>
  Type.Enum(['sum', 'mean'], {
    title: 'LikelihoodReward',
    description:
      'What `reward` is, in nats. `sum`: the log probability of all tokens of the instruction, as in the paper. `mean`: the mean log probability of a token. Then instructions of different lengths can be compared.',
    ...usage,
  });
export type LikelihoodReward = Static<ReturnType<typeof LikelihoodReward>>;

export const LikelihoodOptions = Type.Object(
  {
    reward: Type.Optional(LikelihoodReward({ default: DEFAULTS.likelihood.reward })),
    full_stop: Type.Optional(
      Type.Boolean({
        default: DEFAULTS.likelihood.full_stop,
        description:
          'Whether `reward` counts the full stop that the prompt of the paper puts after the instruction. Both are returned in any case.',
      }),
    ),
  },
  {
    ...closed,
    title: 'LikelihoodOptions',
    description: 'What `reward` is with `method: "instruction_likelihood"`. Refused with another method.',
    examples: [{ reward: 'mean', full_stop: true }],
  },
);
export type LikelihoodOptions = Static<typeof LikelihoodOptions>;

/** Most frames of one query of GVL. */
const MOST_GVL_FRAMES = 100;

/** Most tokens of the text of GVL: as many as the authors allow. */
const MOST_GVL_TOKENS = 10_000;

/** Largest seed: numpy accepts more, but every JSON reader is exact up to here. */
const MOST_SEED = 2 ** 32 - 1;

export const GvlFormat = (usage: { default?: string } = {}) =>
  Type.Enum(['text', 'structured'], {
    title: 'GvlFormat',
    description:
      'How the model writes the percentages. With `text`, it writes freely, after the authors’ prompt. With `structured`, one more sentence in the prompt wants JSON, and the structured outputs of vLLM let it write nothing else. So every frame has a number.',
    ...usage,
  });
export type GvlFormat = Static<ReturnType<typeof GvlFormat>>;

export const GvlOptions = Type.Object(
  {
    count: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: MOST_GVL_FRAMES,
        description: `How many frames are shown: evenly spaced from the second frame to the last, as the authors’ uniform sampler chooses them; all frames if there are no more. The default is ${DEFAULTS.gvl.count}. Not with \`frames\`.`,
      }),
    ),
    frames: Type.Optional(
      Type.Array(Type.Integer({ minimum: 0 }), {
        minItems: 1,
        maxItems: MOST_GVL_FRAMES,
        description:
          'Exactly these frames: their numbers, from 0, in increasing order. The first one is also shown as the initial scene.',
      }),
    ),
    seed: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: MOST_SEED,
        description: `Seed of the order in which the frames are shown: that of \`numpy.random.default_rng(seed).permutation(n)\`. The default is ${DEFAULTS.gvl.seed}. The authors use 42 + the number of the episode in the dataset. Not with \`order\`.`,
      }),
    ),
    order: Type.Optional(
      Type.Array(Type.Integer({ minimum: 0 }), {
        minItems: 1,
        maxItems: MOST_GVL_FRAMES,
        description: 'The order itself: the numbers of all shown frames, each once.',
      }),
    ),
    format: Type.Optional(GvlFormat({ default: DEFAULTS.gvl.format })),
    max_tokens: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: MOST_GVL_TOKENS,
        default: DEFAULTS.gvl.max_tokens,
        description:
          'Most tokens that the model writes; fewer if its context is full before. Frames after the cut have no number.',
      }),
    ),
  },
  {
    ...closed,
    title: 'GvlOptions',
    description: 'Options of `method: "gvl"`. Refused with another method.',
    examples: [{ count: 15, seed: 42 }],
  },
);
export type GvlOptions = Static<typeof GvlOptions>;
