import { curlCommand } from './command.js';
import { createCurve } from './curve.js';
import { bringIntoView, byId } from './dom.js';
import { createStrip } from './filmstrip.js';
import { episodeOptions, fillIn, formFps, key } from './form.js';
import { counted } from './format.js';
import { showMethodOptions } from './method.js';
import { askForKey, needsKey, watchModel } from './model.js';
import { hideProblem, showProblem } from './problem.js';
import { hideResult, markStale, partsOf, showResult } from './result.js';
import { ServiceProblem, score } from './service.js';
import { offerEpisodes } from './source.js';
import { tarOf } from './tar.js';
import { pointOf, viewOf } from './view.js';

/** @typedef {import('./source.js').Chosen} Chosen */

const FRAMES_NOTE = 'Rate of the frames that you send';
const VIDEO_NOTE = 'This page extracts frames from the video at this rate, and sends them instead of the file';

/** @type {Chosen | undefined} */
let chosen;
/** @type {AbortController | undefined} */
let running;
const curve = createCurve(({ frame }) => showFrame(frame));
const strip = createStrip((index) => {
  showFrame(index);
  curve.pickFrame(index);
  bringIntoView(byId('figure'));
});

/** Writes the status line. @param {string} text */
const say = (text) => {
  byId('status').textContent = text;
};

/** Shows one frame large. @param {number} index from 0 */
function showFrame(index) {
  const frame = chosen?.frames[index];
  if (!frame) return;
  const image = /** @type {HTMLImageElement} */ (byId('preview'));
  image.src = frame.url;
  image.alt = `Frame ${index + 1}`;
  byId('preview-note').textContent = `Frame ${index + 1} of ${chosen?.frames.length}`;
  strip.check(index);
}

/** Removes an earlier result. */
function clear() {
  hideProblem();
  hideResult();
  strip.unmark();
  const frames = chosen?.frames.length ?? 1;
  const episode = episodeOptions();
  const { method = 'topreward', success } = episode;
  for (const text of document.querySelectorAll('.explanation')) {
    const explanation = /** @type {HTMLElement} */ (text);
    explanation.hidden = explanation.dataset['method'] !== method;
  }
  const duration = (frames - 1) / formFps() || 1;
  curve.clear({ view: viewOf(episode), threshold: success?.threshold ?? null, duration });
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
  const episode = episodeOptions();
  const mine = new AbortController();
  running = mine;
  clear();
  showRunning(true);
  say(`Scoring ${counted(frames.length, 'frame')}…`);
  try {
    for await (const event of score(episode, frames, { key: key(), signal: mine.signal })) {
      if (event.event === 'result') {
        finish(event.result, episode, frames.length);
      } else {
        curve.add(pointOf(event, episode));
        showProgress(event);
      }
    }
  } catch (error) {
    if (running === mine) fail(error, mine.signal);
  } finally {
    if (running === mine) showRunning(false);
  }
}

/** @param {{ known: number, total: number }} event */
function showProgress({ known, total }) {
  const progress = /** @type {HTMLProgressElement} */ (byId('progress'));
  progress.max = total;
  progress.value = known;
}

/**
 * @param {import('./result.js').EpisodeResult} result
 * @param {import('./service.js').Episode} episode that was scored
 * @param {number} frames of the episode
 */
function finish(result, episode, frames) {
  if (result.method === 'gvl') for (const frame of result.frames) curve.add(pointOf(frame, episode));
  curve.complete(result.method === 'gvl' ? null : (result.success?.threshold ?? null));
  const parts = partsOf(result);
  showResult(parts);
  strip.markSent(parts.sent.frames, parts.sent.when, frames, episode.fps ?? Number.NaN);
  say(parts.summary);
  bringIntoView(byId('outcome'));
}

/** @param {unknown} error @param {AbortSignal} signal */
function fail(error, signal) {
  if (signal.aborted) return say('Stopped.');
  say('');
  showError(error);
  if (!(error instanceof ServiceProblem)) return;
  const { code, frame } = error.problem;
  if (code === 'unauthorized') askForKey();
  if (frame !== undefined) strip.markBad(frame);
}

/** Shows an error and scrolls to it. @param {unknown} error */
function showError(error) {
  showProblem(error);
  bringIntoView(byId('problem'));
}

function showCommand() {
  /** @type {HTMLButtonElement} */ (byId('copy')).disabled = !chosen;
  byId('command').textContent = chosen ? curlCommand(episodeOptions(), chosen.origin, needsKey()) : '';
}

/** Shows which method is chosen. An earlier result keeps its curve until the episode is scored again. */
function chooseMethod() {
  const isFree = byId('result').hidden && byId('stop').hidden;
  if (isFree) clear();
}

/** Stops scoring, and removes the episode and its result from the page. @param {string} status */
function unloadEpisode(status) {
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
  say(status);
}

byId('form').addEventListener('submit', (event) => {
  event.preventDefault();
  run();
});
byId('stop').addEventListener('click', () => running?.abort());
byId('form').addEventListener('input', ({ target }) => {
  showMethodOptions();
  if (target === byId('method')) chooseMethod();
  showCommand();
  if (target !== byId('key')) markStale();
});
byId('key').addEventListener('change', watchModel);

byId('copy').addEventListener('click', async () => {
  await copy(byId('command').textContent ?? '');
  say('Command copied.');
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
  // After the click has been handled, the download no longer needs the URL.
  setTimeout(() => URL.revokeObjectURL(link.href));
});

/** @param {string} text */
async function copy(text) {
  // Browsers offer the clipboard only on HTTPS and localhost.
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  getSelection()?.selectAllChildren(byId('command'));
  document.execCommand('copy');
}

new ResizeObserver(() => {
  byId('form').style.setProperty('--form-height', `${byId('form').offsetHeight}px`);
}).observe(byId('form'));

// Browsers restore the fields of a page that is opened again.
showMethodOptions();
watchModel();
offerEpisodes({
  onLoading: unloadEpisode,
  onFault(error) {
    unloadEpisode('');
    showError(error);
  },
  onChosen(episode) {
    unloadEpisode('');
    chosen = episode;
    fillIn(episode);
    strip.show(episode.frames, formFps());
    clear();
    showFrame(episode.frames.length - 1);
    const isVideo = episode.origin.kind === 'video';
    byId('save').hidden = !isVideo;
    byId('fps-note').textContent = isVideo ? VIDEO_NOTE : FRAMES_NOTE;
    showRunning(false);
    showCommand();
  },
});
