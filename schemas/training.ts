import { type Static, Type } from 'typebox';
import { nullable } from './nullable.ts';

const closed = { additionalProperties: false };

const gamma = Type.Number({ minimum: 0, maximum: 1, default: 0.99, description: 'Discount γ.' });
const missing = (usage: { default?: string } = {}) =>
  Type.Enum(['zero', 'interpolate', 'duplicate'], { title: 'MissingRewards', description: MISSING, ...usage });
const MISSING =
  'Reward of a frame at which no prefix ends. `zero`: 0. `interpolate`: linear between the prefixes. `duplicate`: that of the last prefix before it. The last two are flat outside the prefixes.';
const tau = Type.Number({ minimum: 0, maximum: 100, default: 2, description: 'τ, the factor.' });
const deltaMax = Type.Number({ minimum: 0, maximum: 100, default: 2, description: 'Largest weight, δmax.' });
const chunk = Type.Integer({
  minimum: 1,
  maximum: 10_000,
  description: 'Frames from one progress to the next: the policy’s action chunk.',
});
const kappa = Type.Number({
  minimum: 0,
  maximum: 1,
  default: 0.01,
  description: 'κ: progress above which a frame counts in full.',
});
const epsilon = Type.Number({
  minimum: 1e-12,
  maximum: 1,
  default: 1e-6,
  description: 'ε: smallest σ, and added to 4σ, as LeRobot does.',
});

const DeltaStatistics = Type.Object(
  {
    mean: Type.Number({ minimum: -1, maximum: 1, description: 'μ of Δ.' }),
    std: Type.Number({ minimum: 0, maximum: 1, description: 'σ of Δ, of the whole population.' }),
  },
  { title: 'DeltaStatistics', description: 'Of the progress made in a chunk, over frames.' },
);
export type DeltaStatistics = Static<typeof DeltaStatistics>;

export const TrainingOptions = Type.Object(
  {
    values: Type.Optional(
      Type.Object(
        {
          gamma: Type.Optional(gamma),
          missing: Type.Optional(missing({ default: 'duplicate' })),
        },
        { ...closed, title: 'ValueOptions', description: 'V_t = Σ γ^k r_{t+k} to the last frame, r = log_prob_true.' },
      ),
    ),
    shaping: Type.Optional(
      Type.Object(
        { gamma: Type.Optional(gamma) },
        {
          ...closed,
          title: 'ShapingOptions',
          description: 'F = γ·Φ(s′) − Φ(s), Φ = progress. Only with scale `bounds`, which does not move.',
        },
      ),
    ),
    cloning_weights: Type.Optional(
      Type.Object(
        { tau: Type.Optional(tau), delta_max: Type.Optional(deltaMax) },
        {
          ...closed,
          title: 'CloningWeightOptions',
          description: 'The paper’s: clip(τ·exp(Δ), 0, δmax), Δ the progress from a prefix to the next.',
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
            'LeRobot’s RA-BC: Δ = progress[t + chunk] − progress[t]; 1 where Δ > κ, 0 where Δ < 0, else clip((Δ − (μ − 2σ)) / (4σ + ε), 0, 1). `statistics` are μ and σ of the whole data set; without them, this episode’s.',
        },
      ),
    ),
  },
  {
    ...closed,
    title: 'TrainingOptions',
    description: 'What to compute for training a policy: each member that is there, `{}` for its defaults.',
    examples: [{ values: { gamma: 0.99, missing: 'duplicate' }, rabc_weights: { chunk: 8 } }],
  },
);
export type TrainingOptions = Static<typeof TrainingOptions>;

const Values = Type.Object(
  {
    gamma,
    missing: missing(),
    per_frame: Type.Array(Type.Number(), { description: 'V_t of every frame, in discounted nats.' }),
  },
  { title: 'Values' },
);

const Shaping = Type.Object(
  {
    gamma,
    per_step: Type.Array(Type.Number(), {
      description: 'F from prefixes[i] to prefixes[i + 1]: one fewer than prefixes.',
    }),
  },
  { title: 'Shaping' },
);

const CloningWeights = Type.Object(
  {
    tau,
    delta_max: deltaMax,
    per_step: Type.Array(Type.Number({ minimum: 0 }), {
      description: 'From prefixes[i] to prefixes[i + 1]: one fewer than prefixes.',
    }),
  },
  { title: 'CloningWeights' },
);

const RabcWeights = Type.Object(
  {
    chunk,
    kappa,
    epsilon,
    statistics: DeltaStatistics,
    source: Type.Enum(['episode', 'request'], { title: 'StatisticsSource', description: 'Whose μ and σ were used.' }),
    episode_statistics: DeltaStatistics,
    per_frame: Type.Array(Type.Number({ minimum: 0, maximum: 1 }), { description: 'One weight for each frame.' }),
  },
  {
    title: 'RabcWeights',
    description:
      '`statistics` as used, after LeRobot’s max(μ, 0) and max(σ, ε); `episode_statistics` of this episode, as they are, for pooling over a data set.',
  },
);

export const TrainingSignals = Type.Object(
  {
    values: nullable(Values),
    shaping: nullable(Shaping),
    cloning_weights: nullable(CloningWeights),
    rabc_weights: nullable(RabcWeights),
  },
  { title: 'TrainingSignals', description: 'What `training` asked for; null what it did not.' },
);
export type TrainingSignals = Static<typeof TrainingSignals>;
