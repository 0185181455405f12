import { FileFault, frameOf } from './images.js';

/** @typedef {import('./service.js').Frame} Frame */

/** Most frames from one video: 200 s at 2 fps. */
export const MOST_FRAMES = 400;
/** The rate if none is requested: twice the rate of the sampled frames. */
const DEFAULT_FPS = 4;
/** Larger frames are scaled down to this, in pixels. The size that the model receives is smaller still. */
const LONGEST_SIDE = 640;
const JPEG_QUALITY = 0.92;

/**
 * Extracts frames from a video at a constant rate, as JPEG.
 * @param {File} file
 * @param {number | undefined} requested frames per second; if undefined, the default rate, or less for a long video
 * @param {{ signal: AbortSignal, onFrame: (done: number, of: number) => void }} options
 * @returns {Promise<{ frames: Frame[], fps: number }>}
 * @throws FileFault
 */
export async function videoFrames(file, requested, { signal, onFrame }) {
  const url = URL.createObjectURL(file);
  const video = document.createElement('video');
  video.muted = true;
  video.preload = 'auto';
  try {
    const duration = await open(video, url, file.name);
    const fps = requested ?? Math.min(DEFAULT_FPS, fittingRate(duration));
    const count = Math.max(1, Math.ceil(duration * fps - 1e-6));
    if (count > MOST_FRAMES) throw tooLong(duration, count);
    const digits = String(count - 1).length;
    /** @type {Frame[]} */
    const frames = [];
    for (let index = 0; index < count; index += 1) {
      signal.throwIfAborted();
      await seek(video, Math.min((index + 0.01) / fps, duration));
      frames.push(frameOf(`frame-${String(index).padStart(digits, '0')}.jpg`, await still(video)));
      onFrame(index + 1, count);
    }
    return { frames, fps };
  } finally {
    video.removeAttribute('src');
    video.load();
    URL.revokeObjectURL(url);
  }
}

/** @param {HTMLVideoElement} video @param {string} url @param {string} name @returns {Promise<number>} duration in seconds */
async function open(video, url, name) {
  if (!('requestVideoFrameCallback' in video))
    throw new FileFault('This browser is too old to extract frames from a video. Drop the frames as images instead.');
  try {
    await shown(video, 'loadeddata', () => {
      video.src = url;
    });
  } catch {
    throw new FileFault(`This browser cannot play ${name}. Use MP4 (H.264) or WebM, or drop the frames as images.`);
  }
  // Recordings made in a browser do not contain their duration. Seeking past the end finds it.
  if (video.duration === Number.POSITIVE_INFINITY) await seek(video, 1e9);
  return Number.isFinite(video.duration) ? video.duration : video.currentTime;
}

/** @param {HTMLVideoElement} video @param {number} time */
function seek(video, time) {
  return shown(video, 'seeked', () => {
    video.currentTime = time;
  });
}

/**
 * Runs an action and waits until its frame can be drawn. The event can arrive while the previous frame is still the one
 * that would be drawn. Each seek presents one frame, even if it is the same frame again. A hidden page presents it when it
 * becomes visible.
 * @param {HTMLVideoElement} video @param {'loadeddata' | 'seeked'} name @param {() => void} action
 */
async function shown(video, name, action) {
  const over = new AbortController();
  const once = { once: true, signal: over.signal };
  const presented = new Promise((resolve) => video.requestVideoFrameCallback(resolve));
  const happened = new Promise((resolve, reject) => {
    video.addEventListener(name, resolve, once);
    video.addEventListener('error', () => reject(new FileFault('The video is damaged.')), once);
  });
  action();
  await Promise.all([presented, happened]).finally(() => over.abort());
}

/** @param {HTMLVideoElement} video @returns {Promise<Blob>} */
async function still(video) {
  const scale = Math.min(1, LONGEST_SIDE / Math.max(video.videoWidth, video.videoHeight));
  const canvas = document.createElement('canvas');
  canvas.width = Math.max(1, Math.round(video.videoWidth * scale));
  canvas.height = Math.max(1, Math.round(video.videoHeight * scale));
  canvas.getContext('2d')?.drawImage(video, 0, 0, canvas.width, canvas.height);
  const blob = await new Promise((resolve) => canvas.toBlob(resolve, 'image/jpeg', JPEG_QUALITY));
  if (!blob) throw new FileFault('This browser could not convert the video to JPEG frames.');
  return /** @type {Blob} */ (blob);
}

/** @param {number} duration @param {number} count */
function tooLong(duration, count) {
  const fitting = fittingRate(duration);
  return new FileFault(
    `At this rate the video has ${count} frames, and this page accepts at most ${MOST_FRAMES}. Set frames per second to ${fitting} or less, or cut the video.`,
  );
}

/** @param {number} duration seconds */
function fittingRate(duration) {
  return Math.floor((MOST_FRAMES / duration) * 100) / 100;
}
