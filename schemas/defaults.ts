/** The values of options that an episode leaves out: the contract names them, and the code uses them. */
export const DEFAULTS = {
  method: 'topreward',
  pipeline: 'aligned',
  prompt: 'open',
  /** Texts of the answers, by prompt variant. After an open turn they begin with a space. */
  answers: {
    open: { true_texts: [' True'], false_texts: [' False'] },
    chat: { true_texts: ['True'], false_texts: ['False'] },
  },
  reward: 'log_prob',
  likelihood: { reward: 'sum', full_stop: false },
  /** The authors show 15 frames, and use 42 + the number of the episode as the seed. */
  gvl: { count: 15, seed: 42, format: 'text', max_tokens: 1024 },
  frame_size: 'reference',
  curve: 'episode',
  undefined_voc: 'missing',
  include_token_ids: false,
  /** Number of prefixes, as in the authors' code. */
  prefix_count: 15,
  /** Number of final prefixes that the score averages (arXiv 2602.19313). */
  final_prefixes: 3,
  gamma: 0.99,
  missing: 'duplicate',
  tau: 2,
  delta_max: 2,
  kappa: 0.01,
  epsilon: 1e-6,
} as const;

/** The profile that the service expects, and that a calibration is for, if none is named. The default of MODEL_PROFILE. */
export const DEFAULT_PROFILE = 'qwen3-vl';

/** Side of the square to which the authors' code resizes every frame before the processor, px. The default of ENGINE_FRAME_SIDE. */
export const REFERENCE_SIDE = 244;
