import { byId } from './dom.js';

/** @typedef {import('../schemas/method.ts').MethodName} MethodName */

/** Fields that a method does not have, and why: the service refuses these options. @type {Record<MethodName, Record<string, string>>} */
const REFUSED = {
  topreward: {},
  instruction_likelihood: {
    prompt: 'Not with instruction likelihood: its prompt ends with the instruction',
    control: 'Only with TOPReward',
  },
  gvl: {
    threshold: 'Not with GVL: it has no score',
    count: 'Not with GVL: it scores no prefixes',
    prompt: 'Not with GVL: it has its own',
    pipeline: 'Not with GVL: it scores no prefixes',
    control: 'Only with TOPReward',
  },
};

/** @type {Record<MethodName, string>} */
const NOTES = {
  topreward: 'Log probability of the answer True, for each prefix',
  instruction_likelihood: 'Log probability of the instruction itself, for each prefix',
  gvl: 'The model writes a percentage for single frames in random order',
};

/** Every field that some method does not have. */
const FIELDS = [...new Set(Object.values(REFUSED).flatMap((fields) => Object.keys(fields)))];

/** @param {string} id */
const choice = (id) => /** @type {HTMLSelectElement} */ (byId(id)).value;

/** Shows the options of the chosen method. Disables the fields that it does not have, and shows why. */
export function showMethodOptions() {
  const method = /** @type {MethodName} */ (choice('method'));
  byId('method-note').textContent = NOTES[method];
  for (const id of FIELDS) {
    const reason = REFUSED[method][id];
    /** @type {HTMLInputElement} */ (byId(id)).disabled = reason !== undefined;
    const note = byId(`${id}-note`);
    note.dataset['usual'] ??= note.textContent ?? '';
    note.textContent = reason ?? note.dataset['usual'];
  }
  for (const group of document.querySelectorAll('#form fieldset[data-method]')) {
    const own = /** @type {HTMLFieldSetElement} */ (group);
    own.hidden = own.disabled = own.dataset['method'] !== method;
  }
  // Log odds can be above 0.
  const isOdds = byId('answer-reward').matches(':enabled') && choice('answer-reward') === 'log_odds';
  /** @type {HTMLInputElement} */ (byId('threshold')).max = isOdds ? '' : '0';
  byId('threshold-note').textContent =
    REFUSED[method]['threshold'] ?? `Optional: minimum score, in nats${isOdds ? '' : ' (≤ 0)'}`;
}

/** Offers the methods and pipelines that the service can use, and says why one is not offered. @param {import('./service.js').Model} model */
export function offerMethods({ methods, engine, pipelines, profile }) {
  const published = /** @type {HTMLOptionElement} */ (byId('published'));
  published.disabled = !pipelines.includes('published');
  published.textContent = published.disabled ? `published (not with ${profile.name})` : 'published';
  const isOffered = methods.includes('gvl');
  const option = /** @type {HTMLOptionElement} */ (byId('gvl'));
  option.disabled = !isOffered;
  option.textContent = isOffered ? 'GVL' : 'GVL (not available)';
  const reason =
    engine.name === 'vllm'
      ? 'GVL is not available: vLLM was started without images.'
      : 'GVL is not available: the engine of this service writes no text. It needs vLLM.';
  byId('method-missing').textContent = isOffered ? '' : reason;
  byId('method-missing').hidden = isOffered;
}
