import { byId, make } from './dom.js';
import { FileFault } from './images.js';
import { ServiceProblem } from './service.js';

/** @typedef {import('./service.js').Problem} Problem */

/** Form fields by the JSON pointers that problems give. @type {Record<string, string>} */
const FIELDS = {
  '/instruction': 'instruction',
  '/fps': 'fps',
  '/success/threshold': 'threshold',
  '/prefixes/count': 'count',
  '/prompt': 'prompt',
};

/**
 * Shows what went wrong and what to do about it.
 * @param {unknown} error
 */
export function showProblem(error) {
  const { title, detail, next, facts } = inWords(error);
  byId('problem').replaceChildren(
    make('h2', {}, title),
    make('p', {}, detail),
    ...(next ? [make('p', { class: 'next' }, next)] : []),
    ...(facts ? [make('p', { class: 'facts' }, facts)] : []),
  );
  byId('problem').hidden = false;
  const field = error instanceof ServiceProblem ? FIELDS[error.problem.pointer ?? ''] : undefined;
  if (!field) return;
  byId(field).setAttribute('aria-invalid', 'true');
  byId(field).closest('details')?.setAttribute('open', '');
}

export function hideProblem() {
  byId('problem').hidden = true;
  byId('problem').replaceChildren();
  for (const field of Object.values(FIELDS)) byId(field).removeAttribute('aria-invalid');
}

/** @param {unknown} error @returns {{ title: string, detail: string, next?: string, facts?: string }} */
function inWords(error) {
  if (error instanceof ServiceProblem) {
    const { title, detail, status, code, instance } = error.problem;
    return { title, detail, next: nextStep(error.problem), facts: `HTTP ${status} · ${code} · request ${instance}` };
  }
  if (error instanceof FileFault) return { title: 'No episode was loaded', detail: error.message };
  const said = error instanceof Error ? error.message : String(error);
  return {
    title: 'The service cannot be reached',
    detail: `The browser says: ${said}`,
    next: 'See whether the service still runs, then score again.',
  };
}

/** @param {Problem} problem */
function nextStep({ code, status, frame, retry_after_s }) {
  if (code === 'unauthorized') return 'Type your API key above the button and score again.';
  if (retry_after_s !== undefined) return `Your request is fine. Score again in ${retry_after_s} seconds.`;
  if (status >= 500) return 'Your request is fine. Tell the operator the request’s id, below.';
  if (frame !== undefined) return `It is about frame ${frame + 1}. Take it out or replace it, and score again.`;
  return 'Correct this and score again.';
}
