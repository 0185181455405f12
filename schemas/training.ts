import { type Static, Type } from 'typebox';
import { DEFAULTS } from './defaults.ts';
import { nullable } from './nullable.ts';

const closed = { additionalProperties: false };

const gamma = Type.Number({ minimum: 0, maximum: 1, default: DEFAULTS.gamma, description: 'Discount factor γ.' });
const missing = (usage: { default?: string } = {}) =>
  Type.Enum(['zero', 'interpolate', 'duplicate'], { title: 'MissingRewards', description: MISSING, ...usage });
const MISSING =
  'Reward of a frame at which no requested prefix ends. `zero`: 0. `interpolate`: linear between the two nearest prefixes. `duplicate`: the reward of the prefix before it. Before the first and after the last prefix, the last two use the reward of that prefix.';
const tau = Type.Number({ minimum: 0, maximum: 100, default: DEFAULTS.tau, description: 'Factor τ.' });
const deltaMax = Type.Number({
  minimum: 0,
  maximum: 100,
  default: DEFAULTS.delta_max,
  description: 'Largest weight δmax.',
});
const chunk = Type.Integer({
  minimum: 1,
  maximum: 10_000,
  description: 'Length of the policy’s action chunk, in frames of this upload.',
});
const kappa = Type.Number({
  minimum: 0,
  maximum: 1,
  default: DEFAULTS.kappa,
  description: 'κ: a frame with more progress than this has weight 1.',
});
const epsilon = Type.Number({
  minimum: 1e-12,
  maximum: 1,
  default: DEFAULTS.epsilon,
  description: 'ε: the smallest σ, and the value added to 4σ, as in LeRobot.',
});

const DeltaStatistics = Type.Object(
  {
    mean: Type.Number({ minimum: -1, maximum: 1, description: 'Mean μ of Δ.' }),
    std: Type.Number({ minimum: 0, maximum: 1, description: 'Standard deviation σ of Δ (of the population).' }),
  },
  { title: 'DeltaStatistics', description: 'Statistics of Δ, the progress within one chunk, over frames.' },
);

export const TrainingOptions = Type.Object(
  {
    values: Type.Optional(
      Type.Object(
        {
          gamma: Type.Optional(gamma),
          missing: Type.Optional(missing({ default: DEFAULTS.missing })),
        },
        {
          ...closed,
          title: 'ValueOptions',
          description:
            'Discounted sums of rewards: V_t = Σ γ^k r_{t+k} up to the last frame, with r = the `reward` of a prefix.',
        },
      ),
    ),
    shaping: Type.Optional(
      Type.Object(
        { gamma: Type.Optional(gamma) },
        {
          ...closed,
          title: 'ShapingOptions',
          description:
            'Potential-based shaping rewards: F = γ·Φ(s′) − Φ(s), with Φ = progress. Requires the scale `bounds`, because Φ must not change.',
        },
      ),
    ),
    cloning_weights: Type.Optional(
      Type.Object(
        { tau: Type.Optional(tau), delta_max: Type.Optional(deltaMax) },
        {
          ...closed,
          title: 'CloningWeightOptions',
          description:
            'The paper’s weights for behaviour cloning: clip(τ·exp(Δ), 0, δmax), with Δ the progress from one prefix to the next.',
        },
      ),
    ),
    rabc_weights: Type.Optional(
      Type.Object(
        {
          chunk,
          kappa: Type.Optional(kappa),
          epsilon: Type.Optional(epsilon),
          statistics: Type.Optional(DeltaStatistics),
        },
        {
          ...closed,
          title: 'RabcWeightOptions',
          description:
            'LeRobot’s RA-BC weights, with Δ = progress[t + chunk] − progress[t]. The weight is 1 if Δ > κ, 0 if Δ < 0, otherwise clip((Δ − (μ − 2σ)) / (4σ + ε), 0, 1). In `statistics`, send μ and σ of the dataset; the default is those of this episode.',
        },
      ),
    ),
  },
  {
    ...closed,
    title: 'TrainingOptions',
    description: 'Training signals to compute. Each member that is present is computed; `{}` uses its defaults.',
    examples: [{ values: { gamma: 0.99, missing: 'duplicate' }, rabc_weights: { chunk: 8 } }],
  },
);
export type TrainingOptions = Static<typeof TrainingOptions>;

const Values = Type.Object(
  {
    gamma,
    missing: missing(),
    per_frame: Type.Array(Type.Number(), { description: 'V_t of every frame, in nats.' }),
  },
  { title: 'Values', description: 'Discounted sums of rewards, with the options that were used.' },
);

const Shaping = Type.Object(
  {
    gamma,
    per_step: Type.Array(Type.Number(), {
      description: 'Entry i is F from prefixes[i] to prefixes[i + 1]. There is one entry fewer than prefixes.',
    }),
  },
  { title: 'Shaping', description: 'Potential-based shaping rewards, with the options that were used.' },
);

const CloningWeights = Type.Object(
  {
    tau,
    delta_max: deltaMax,
    per_step: Type.Array(Type.Number({ minimum: 0 }), {
      description: 'Entry i is the weight from prefixes[i] to prefixes[i + 1]. There is one entry fewer than prefixes.',
    }),
  },
  { title: 'CloningWeights', description: 'Weights for behaviour cloning, with the options that were used.' },
);

const RabcWeights = Type.Object(
  {
    chunk,
    kappa,
    epsilon,
    statistics: DeltaStatistics,
    source: Type.Enum(['episode', 'request'], {
      title: 'StatisticsSource',
      description: 'Where the used μ and σ come from.',
    }),
    episode_statistics: DeltaStatistics,
    per_frame: Type.Array(Type.Number({ minimum: 0, maximum: 1 }), { description: 'One weight per frame.' }),
  },
  {
    title: 'RabcWeights',
    description:
      'RA-BC weights. `statistics` are the values that were used, after LeRobot’s max(μ, 0) and max(σ, ε). `episode_statistics` are those of this episode, unchanged, to pool over a dataset.',
  },
);

export const TrainingSignals = Type.Object(
  {
    values: nullable(Values),
    shaping: nullable(Shaping),
    cloning_weights: nullable(CloningWeights),
    rabc_weights: nullable(RabcWeights),
  },
  { title: 'TrainingSignals', description: 'The requested training signals. Those that were not requested are null.' },
);
export type TrainingSignals = Static<typeof TrainingSignals>;
