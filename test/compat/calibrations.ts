import { postJson, type Requests } from './requests.ts';

const labelled = (success: boolean, ...scores: number[]) =>
  scores.map((score) => ({ success, score, log_prob_range: { min: score - 2, max: score } }));

const EPISODES = [...labelled(true, -0.1, -0.2, -0.3, -0.4, -1.5, -0.6), ...labelled(false, -1, -2, -3, -4, -5, -0.5)];

const calibrate = (document: object) => postJson(document, {}, '/v1/calibrations');

const ABOUT = { id: 'drawer', model: 'm', prompt: 'open', final_prefixes: 3, task: 'Open the drawer.' };

/** Calibrations, with every warning that they can have. */
export const CALIBRATIONS: Requests = {
  'successes and failures': calibrate({ ...ABOUT, episodes: EPISODES }),
  'a precision': calibrate({ episodes: EPISODES, precision: 0.95 }),
  'a precision that no threshold has': calibrate({
    episodes: [...labelled(true, -1, -1.1, -1.2, -1.3, -1.4), ...labelled(false, -0.1, -2, -2.1, -2.2, -2.3)],
    precision: 1,
  }),
  'only successes': calibrate({ episodes: labelled(true, -0.1, -0.2, -0.3) }),
  'one success and one failure': calibrate({ episodes: [...labelled(true, -0.1), ...labelled(false, -3)] }),
  'successes below failures': calibrate({
    episodes: [...labelled(true, -4, -4.5, -5, -5.5, -6), ...labelled(false, -1, -1.5, -2, -2.5, -3)],
  }),
  'successes like failures': calibrate({
    episodes: [...labelled(true, -1, -2, -3, -4, -5), ...labelled(false, -1.1, -2.1, -2.9, -3.9, -4.9)],
  }),
  'empty ranges': calibrate({
    episodes: EPISODES.map((episode) => ({ ...episode, log_prob_range: { min: -1, max: -1 } })),
  }),
  'scores of the corrected curve': calibrate({
    curve: 'corrected',
    episodes: EPISODES.map(({ success, score }) => ({ success, score: score + 2 })),
  }),
  'a score above 0': calibrate({ episodes: [{ success: true, score: 1 }] }),
  'a score above 0 and an unknown member': calibrate({ episodes: [{ success: true, score: 1 }], recall: 1 }),
};
