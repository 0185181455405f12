import { curlCommand } from './command.js';
import { createCurve } from './curve.js';
import { bringIntoView, byId } from './dom.js';
import { createStrip } from './filmstrip.js';
import { counted } from './format.js';
import { askForKey, asksForKey, watchModel } from './model.js';
import { hideProblem, showProblem } from './problem.js';
import { fillIn, key, question, rate } from './question.js';
import { hideResult, markStale, showResult, summary } from './result.js';
import { ServiceProblem, score } from './service.js';
import { offerEpisodes } from './source.js';
import { tarOf } from './tar.js';

/** @typedef {import('./source.js').Chosen} Chosen */

/** @type {Chosen | undefined} */
let chosen;
/** @type {AbortController | undefined} */
let running;
const curve = createCurve(({ length }) => lookAt(length - 1));
const strip = createStrip((index) => {
  lookAt(index);
  curve.pickLength(index + 1);
  bringIntoView(byId('figure'));
});

/** @param {string} text */
const say = (text) => {
  byId('status').textContent = text;
};

/** Shows one frame large. @param {number} index from 0 */
function lookAt(index) {
  const frame = chosen?.frames[index];
  if (!frame) return;
  const picture = /** @type {HTMLImageElement} */ (byId('preview'));
  picture.src = frame.url;
  picture.alt = `Frame ${index + 1}`;
  byId('preview-note').textContent = `Frame ${index + 1} of ${chosen?.frames.length}`;
  strip.check(index);
}

/** Takes away what belongs to an earlier answer. */
function clear() {
  hideProblem();
  hideResult();
  strip.unmark();
  const frames = chosen?.frames.length ?? 1;
  curve.clear({ threshold: question().success?.threshold ?? null, duration: (frames - 1) / rate() || 1 });
}

/** @param {boolean} isRunning */
function showRunning(isRunning) {
  const progress = /** @type {HTMLProgressElement} */ (byId('progress'));
  progress.removeAttribute('value');
  progress.hidden = !isRunning;
  byId('stop').hidden = !isRunning;
  /** @type {HTMLButtonElement} */ (byId('score')).disabled = isRunning || !chosen;
}

async function run() {
  if (!chosen) return;
  const { frames } = chosen;
  const mine = new AbortController();
  running = mine;
  clear();
  showRunning(true);
  say(`Scoring ${counted(frames.length, 'frame')}…`);
  try {
    for await (const event of score(question(), frames, { key: key(), signal: mine.signal })) {
      if (event.event === 'prefix') {
        curve.add(event);
        showKnown(event);
      } else {
        finish(event.result, frames.length);
      }
    }
  } catch (error) {
    if (running === mine) fail(error, mine.signal);
  } finally {
    if (running === mine) showRunning(false);
  }
}

/** @param {{ known: number, total: number }} event */
function showKnown({ known, total }) {
  const progress = /** @type {HTMLProgressElement} */ (byId('progress'));
  progress.max = total;
  progress.value = known;
}

/** @param {import('./result.js').RewardResult} result @param {number} frames */
function finish(result, frames) {
  curve.complete(result.success?.threshold ?? null);
  showResult(result);
  strip.markSampled(result.provenance.sampled_frame_indices, frames, rate());
  say(summary(result));
  bringIntoView(byId('answer'));
}

/** @param {unknown} error @param {AbortSignal} signal */
function fail(error, signal) {
  if (signal.aborted) return say('Stopped.');
  say('');
  tell(error);
  if (!(error instanceof ServiceProblem)) return;
  const { code, frame } = error.problem;
  if (code === 'unauthorized') askForKey();
  if (frame !== undefined) strip.markBad(frame);
}

/** Shows a problem where it can be seen. @param {unknown} error */
function tell(error) {
  showProblem(error);
  bringIntoView(byId('problem'));
}

function showCommand() {
  /** @type {HTMLButtonElement} */ (byId('copy')).disabled = !chosen;
  byId('command').textContent = chosen ? curlCommand(question(), chosen.origin, asksForKey()) : '';
}

/** Stops what is scored, and takes the episode and its answer off the page: another one is on its way. @param {string} what */
function leave(what) {
  running?.abort();
  running = undefined;
  chosen = undefined;
  clear();
  strip.show([], Number.NaN);
  byId('preview').removeAttribute('src');
  byId('preview').setAttribute('alt', '');
  byId('preview-note').textContent = '';
  byId('save').hidden = true;
  showRunning(false);
  showCommand();
  say(what);
}

byId('form').addEventListener('submit', (event) => {
  event.preventDefault();
  run();
});
byId('stop').addEventListener('click', () => running?.abort());
byId('form').addEventListener('input', ({ target }) => {
  showCommand();
  if (target !== byId('key')) markStale();
});
byId('key').addEventListener('change', watchModel);

byId('copy').addEventListener('click', async () => {
  await copy(byId('command').textContent ?? '');
  say('The command is copied.');
  byId('copy').textContent = 'Copied';
  setTimeout(() => {
    byId('copy').textContent = 'Copy';
  }, 2000);
});

byId('save').addEventListener('click', () => {
  if (chosen?.origin.kind !== 'video') return;
  const link = document.createElement('a');
  link.href = URL.createObjectURL(tarOf(chosen.frames));
  link.download = chosen.origin.archive;
  link.click();
  // The download has begun once the click's own work is done.
  setTimeout(() => URL.revokeObjectURL(link.href));
});

/** @param {string} text */
async function copy(text) {
  // Browsers offer a clipboard on https and localhost only.
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  getSelection()?.selectAllChildren(byId('command'));
  document.execCommand('copy');
}

watchModel();
offerEpisodes({
  onLoading: leave,
  onFault(error) {
    leave('');
    tell(error);
  },
  onChosen(episode) {
    leave('');
    chosen = episode;
    fillIn(episode);
    strip.show(episode.frames, rate());
    clear();
    lookAt(episode.frames.length - 1);
    byId('save').hidden = episode.origin.kind !== 'video';
    showRunning(false);
    showCommand();
  },
});
