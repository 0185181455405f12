import { byId, make } from './dom.js';
import { formFps } from './form.js';
import { counted } from './format.js';
import { imageFrames, recordedFrames, releaseFrames } from './images.js';
import { address, getRecordings } from './service.js';
import { videoFrames } from './video.js';

/**
 * @typedef {import('./service.js').Frame} Frame
 * @typedef {import('./service.js').Recording} Recording
 * @typedef {{ frames: Frame[], instruction?: string, fps?: number, origin: import('./command.js').Origin }} Chosen
 * @typedef {{
 *   onChosen: (chosen: Chosen) => void,
 *   onLoading: (what: string) => void,
 *   onFault: (error: unknown) => void,
 * }} Listener
 */

/**
 * Lets the user choose an episode: a recorded episode, images or a video. At the start, the first recorded one is chosen.
 * @param {Listener} listener
 */
export async function offerEpisodes({ onChosen, onLoading, onFault }) {
  /** @type {Frame[]} */
  let current = [];
  let latest = new AbortController();
  /** @type {File | undefined} */
  let video;

  /** @param {(signal: AbortSignal) => Promise<Chosen>} load @param {() => void} [onFailure] called if loading fails */
  async function choose(load, onFailure) {
    latest.abort();
    const mine = new AbortController();
    latest = mine;
    onLoading('');
    try {
      const chosen = await load(mine.signal);
      if (mine.signal.aborted) return releaseFrames(chosen.frames);
      onChosen(chosen);
      releaseFrames(current);
      current = chosen.frames;
    } catch (error) {
      if (mine.signal.aborted) return;
      onFailure?.();
      onFault(error);
    }
  }

  /** Clears the choice, so that the user can choose the same episode again. */
  function clearChoice() {
    video = undefined;
    uncheckRecordings();
    showFileName('');
  }

  /** @param {Recording} recording */
  function chooseRecording(recording) {
    video = undefined;
    showFileName('');
    return choose(() => loadRecording(recording), clearChoice);
  }

  /** @param {File[]} files */
  function chooseFiles(files) {
    if (files.length === 0) return;
    video = files.find(({ type }) => type.startsWith('video/'));
    uncheckRecordings();
    showFileName(files.length === 1 ? /** @type {File} */ (files[0]).name : counted(files.length, 'file'));
    const load = (/** @type {AbortSignal} */ signal) =>
      video ? loadVideo(video, undefined, signal, onLoading) : loadImages(files);
    return choose(load, clearChoice);
  }

  byId('fps').addEventListener('change', () => {
    const fps = formFps();
    if (video && fps > 0) choose((signal) => loadVideo(/** @type {File} */ (video), fps, signal, onLoading));
  });
  listenForFiles(chooseFiles);

  try {
    const recordings = await getRecordings();
    byId('recordings').replaceChildren(...recordings.map((recording) => card(recording, chooseRecording)));
    document.querySelector('#recordings input')?.setAttribute('checked', '');
    if (recordings[0] && current.length === 0 && !video) await chooseRecording(recordings[0]);
  } catch (error) {
    onFault(error);
  }
}

/** @param {Recording} recording @returns {Promise<Chosen>} */
async function loadRecording({ instruction, fps, frames }) {
  const addresses = frames.map(address);
  return { frames: await recordedFrames(addresses), instruction, fps, origin: { kind: 'recorded', addresses } };
}

/** @param {File[]} files @returns {Promise<Chosen>} */
async function loadImages(files) {
  const frames = imageFrames(files);
  return { frames, origin: { kind: 'images', names: frames.map(({ name }) => name) } };
}

/**
 * @param {File} file
 * @param {number | undefined} requested frames per second
 * @param {AbortSignal} signal
 * @param {Listener['onLoading']} onLoading
 * @returns {Promise<Chosen>}
 */
async function loadVideo(file, requested, signal, onLoading) {
  onLoading(`Reading ${file.name}…`);
  const onFrame = (/** @type {number} */ done, /** @type {number} */ of) =>
    onLoading(`Reading ${file.name}: ${done} of ${counted(of, 'frame')}`);
  const { frames, fps } = await videoFrames(file, requested, { signal, onFrame });
  return { frames, fps, origin: { kind: 'video', archive: 'frames.tar' } };
}

/** @param {Recording} recording @param {(recording: Recording) => void} choose */
function card(recording, choose) {
  const { id, outcome, frames } = recording;
  const radio = make('input', { type: 'radio', name: 'recording', value: id });
  radio.addEventListener('change', () => choose(recording));
  return make(
    'label',
    { class: 'card' },
    radio,
    make('img', { src: frames.at(-1) ?? '', alt: '', width: 480, height: 480 }),
    make('strong', {}, `Recorded ${outcome}`),
    make('span', {}, id.slice(0, id.lastIndexOf('-'))),
  );
}

function uncheckRecordings() {
  for (const radio of document.querySelectorAll('#recordings input')) {
    /** @type {HTMLInputElement} */ (radio).checked = false;
  }
}

/** @param {string} name of the chosen files, or empty */
function showFileName(name) {
  byId('drop').classList.toggle('chosen', name !== '');
  byId('drop-title').textContent = name || 'Drop frames or a video here';
}

/** Listens for files that are chosen in the field or dropped anywhere on the page. @param {(files: File[]) => void} onFiles */
function listenForFiles(onFiles) {
  const input = /** @type {HTMLInputElement} */ (byId('files'));
  input.addEventListener('change', () => {
    onFiles([...(input.files ?? [])]);
    // Without this, choosing the same files again would cause no event.
    input.value = '';
  });
  const mark = (/** @type {boolean} */ isOver) => byId('drop').classList.toggle('over', isOver);
  document.addEventListener('dragover', (event) => {
    event.preventDefault();
    mark(true);
  });
  document.addEventListener('dragleave', (event) => mark(event.relatedTarget !== null));
  document.addEventListener('drop', (event) => {
    event.preventDefault();
    mark(false);
    onFiles([...(event.dataTransfer?.files ?? [])]);
  });
}
