import { byId } from './dom.js';
import { key } from './form.js';
import { decimal } from './format.js';
import { offerMethods } from './method.js';
import { getModel, ServiceProblem } from './service.js';

const PAUSE_MS = 3000;

/** Shows the served model at the top of the page. Repeats the request until the engine is ready. */
export async function watchModel() {
  for (;;) {
    try {
      showModel(await getModel(key()));
      return;
    } catch (error) {
      if (error instanceof ServiceProblem && error.problem.code === 'unauthorized') {
        askForKey();
        return;
      }
      say('broken', error instanceof ServiceProblem ? error.problem.detail : 'The service cannot be reached.');
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}

/** Shows the field for the API key. */
export function askForKey() {
  say('waiting', 'This service requires an API key.');
  byId('key-field').hidden = false;
}

/** Whether the service requires an API key. */
export const needsKey = () => !byId('key-field').hidden;

/** @param {import('./service.js').Model} description */
function showModel(description) {
  const { model, engine, success_threshold } = description;
  offerMethods(description);
  say('ready', `${model} on ${engine.name} ${engine.version}`);
  if (success_threshold !== null) byId('threshold').setAttribute('placeholder', decimal(success_threshold));
}

/** @param {'waiting' | 'ready' | 'broken'} state @param {string} text */
function say(state, text) {
  byId('model').dataset['state'] = state;
  byId('model').textContent = text;
}
