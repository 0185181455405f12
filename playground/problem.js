import { byId, make, withCode } from './dom.js';
import { FileFault } from './images.js';
import { address, ServiceProblem } from './service.js';

/** @typedef {import('./service.js').Problem} Problem */

/** Form fields by the JSON pointer of a problem. @type {Record<string, string>} */
const FIELDS = {
  '/instruction': 'instruction',
  '/fps': 'fps',
  '/success/threshold': 'threshold',
  '/prefixes/count': 'count',
  '/pipeline': 'pipeline',
  '/prompt': 'prompt',
  '/method': 'method',
  '/likelihood/reward': 'likelihood-reward',
  '/likelihood/full_stop': 'full-stop',
  '/gvl/count': 'gvl-count',
  '/gvl/seed': 'gvl-seed',
  '/gvl/format': 'gvl-format',
  '/gvl/max_tokens': 'gvl-tokens',
  '/answers/true_texts': 'true-texts',
  '/answers/false_texts': 'false-texts',
  '/answers/reward': 'answer-reward',
  '/top_answers': 'top-answers',
};

/**
 * Shows what went wrong and what to do about it.
 * @param {unknown} error
 */
export function showProblem(error) {
  const { title, detail, next, facts } = textOf(error);
  byId('problem').replaceChildren(
    make('h2', {}, title),
    make('p', {}, ...withCode(detail)),
    ...(next ? [make('p', { class: 'next' }, next)] : []),
    ...(facts ? [make('p', { class: 'facts' }, ...facts)] : []),
  );
  byId('problem').hidden = false;
  const field = error instanceof ServiceProblem ? fieldAt(error.problem.pointer) : undefined;
  if (!field) return;
  byId(field).setAttribute('aria-invalid', 'true');
  byId(field).closest('details')?.setAttribute('open', '');
}

/** The field of a pointer, or of what is in it: of one text among several. @param {string | undefined} pointer */
function fieldAt(pointer = '') {
  return FIELDS[pointer] ?? FIELDS[pointer.replace(/\/\d+$/, '')];
}

export function hideProblem() {
  byId('problem').hidden = true;
  byId('problem').replaceChildren();
  for (const field of Object.values(FIELDS)) byId(field).removeAttribute('aria-invalid');
}

/** @param {unknown} error @returns {{ title: string, detail: string, next?: string, facts?: (Node | string)[] }} */
function textOf(error) {
  if (error instanceof ServiceProblem) {
    const { title, detail, status, code, instance } = error.problem;
    const link = make('a', { href: address(`problems/${code}`) }, code);
    return {
      title,
      detail,
      next: nextStep(error.problem),
      facts: [`HTTP ${status} · `, link, ` · request ${instance}`],
    };
  }
  if (error instanceof FileFault) return { title: 'The episode could not be loaded', detail: error.message };
  return {
    title: 'The service cannot be reached',
    detail: `Error: ${error instanceof Error ? error.message : String(error)}`,
    next: 'Check that the service is running, then score again.',
  };
}

/** @param {Problem} problem */
function nextStep({ code, status, frame, retry_after_s }) {
  if (code === 'unauthorized') return 'Enter your API key in the form and score again.';
  if (retry_after_s !== undefined) return `Your request is valid. Score again in ${retry_after_s} seconds.`;
  if (status >= 500) return 'Your request is valid. Send the operator the request ID below.';
  if (frame !== undefined) return `Remove or replace frame ${frame + 1} and score again.`;
  return 'Correct the request and score again.';
}
