import type { Warning } from '../../schemas/reward.ts';

/** Every warning that a scored episode can carry, by code. docs/reference/warnings.md says what each means and what to do. */
export const WARNINGS = {
  'alpha-dropped': 'The alpha channel was dropped',
  'orientation-ignored': 'The orientation was ignored',
  'nested-layout': 'The prompt has two more tokens per block than the reference’s',
  'profile-unverified': 'Nobody compared the numbers of this profile with transformers',
  'beyond-reference-size': 'The reference would shrink the frames of so long an episode',
  'no-sharing': 'Every prefix was computed from its start',
  'no-shared-pass': 'The published pipeline computed each prefix on its own',
  'published-at-model-size': 'The published pipeline used the model’s own frame size',
  'flat-curve': 'The log probabilities hardly change',
  'unlikely-answers': 'The model hardly ever continues with one of the answers',
  'like-static-video': 'The static video has nearly the same curve',
  'identical-prefixes': 'All prefixes show the same sampled frames',
  'unfinished-episode': 'Some values change when the episode gains frames',
  'calibration-final-prefixes': 'The calibration averages another number of prefixes',
  'frames-without-percentage': 'The model wrote no percentage for some frames',
  'several-percentages': 'The model wrote different percentages for one frame',
  'unknown-frames': 'The model wrote about frames that it was not shown',
  'unfamiliar-words': 'The instruction has words that were not in the training data',
  'unfamiliar-frames': 'The frames differ from the training data',
  'beyond-training-length': 'The episode is longer than the training data',
} as const;

/** Every warning that a calibration can carry, by code. */
export const CALIBRATION_WARNINGS = {
  'class-missing': 'There are no successes or no failures',
  'too-few-episodes': 'There are too few episodes for a threshold',
  'few-episodes': 'New episodes may move the threshold a lot',
  'no-separation': 'The scores may not separate successes from failures',
  'no-threshold': 'Successes do not score higher than failures',
  'precision-unreachable': 'No threshold has the requested precision',
  'too-few-ranges': 'There are too few ranges for bounds',
  'no-range': 'The range of the successes is empty',
} as const;

/** A warning of a scored episode. */
export interface EpisodeWarning extends Warning {
  code: keyof typeof WARNINGS;
}

/** A warning of a calibration. */
export interface CalibrationWarning extends Warning {
  code: keyof typeof CALIBRATION_WARNINGS;
}
