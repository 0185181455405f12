import { jsonLines } from './lines.js';

/**
 * @typedef {import('../schemas/model.ts').Model} Model
 * @typedef {import('../schemas/problem.ts').Problem} Problem
 * @typedef {import('../schemas/reward-event.ts').PrefixEvent} PrefixEvent
 * @typedef {import('../schemas/reward-event.ts').LikelihoodPrefixEvent} LikelihoodPrefixEvent
 * @typedef {import('../schemas/reward-event.ts').ResultEvent} ResultEvent
 * @typedef {import('../schemas/episode.ts').Episode} Episode
 * @typedef {{ name: string, file: Blob, url: string }} Frame
 * @typedef {{ id: string, instruction: string, fps: number, outcome: string, frames: string[] }} Recording
 */

/** The service has the same base address as this page, also below a path of a proxy. @param {string} path */
export const address = (path) => new URL(path, document.baseURI).href;

/** An error response of the service (problem document). */
export class ServiceProblem extends Error {
  /** @param {Problem} problem */
  constructor(problem) {
    super(problem.title);
    this.problem = problem;
  }
}

/** @param {string} key empty for none @returns {Promise<Model>} */
export async function getModel(key) {
  const response = await fetch(address('v1/model'), { headers: authorization(key) });
  await throwProblem(response);
  return response.json();
}

/** @returns {Promise<Recording[]>} */
export async function getRecordings() {
  const response = await fetch(address('playground/episodes.json'));
  await throwProblem(response);
  return response.json();
}

/**
 * Scores an episode. Yields each prefix as soon as its value is known, then the result.
 * @param {Episode} episode
 * @param {Frame[]} frames
 * @param {{ key: string, signal: AbortSignal }} options
 * @returns {AsyncGenerator<PrefixEvent | LikelihoodPrefixEvent | ResultEvent>}
 * @throws ServiceProblem
 */
export async function* score(episode, frames, { key, signal }) {
  const body = new FormData();
  body.set('episode', JSON.stringify(episode));
  for (const { file, name } of frames) body.append('frames', file, name);
  const headers = { accept: 'application/x-ndjson', ...authorization(key) };
  const response = await fetch(address('v1/rewards'), { method: 'POST', headers, body, signal });
  await throwProblem(response);
  let ended = false;
  for await (const event of jsonLines(/** @type {ReadableStream<Uint8Array<ArrayBuffer>>} */ (response.body))) {
    if (event.event === 'problem') throw new ServiceProblem(event.problem);
    ended = event.event === 'result';
    yield event;
  }
  if (!ended) throw new TypeError('The response ended before the result.');
}

/** @param {string} key @returns {Record<string, string>} */
function authorization(key) {
  return key ? { authorization: `Bearer ${key}` } : {};
}

/** @param {Response} response @throws ServiceProblem */
async function throwProblem(response) {
  if (response.ok) return;
  const isProblem = response.headers.get('content-type')?.startsWith('application/problem+json');
  if (isProblem) throw new ServiceProblem(await response.json());
  // A proxy between this page and the service can send such a response.
  throw new TypeError(`HTTP ${response.status} ${response.statusText}`);
}
