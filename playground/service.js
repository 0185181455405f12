import { jsonLines } from './lines.js';

/**
 * @typedef {import('../schemas/model.ts').Model} Model
 * @typedef {import('../schemas/problem.ts').Problem} Problem
 * @typedef {import('../schemas/reward-event.ts').PrefixEvent} PrefixEvent
 * @typedef {import('../schemas/reward-event.ts').ResultEvent} ResultEvent
 * @typedef {import('../schemas/episode.ts').Episode} EpisodeQuestion
 * @typedef {{ name: string, file: Blob, url: string }} Frame
 * @typedef {{ id: string, instruction: string, fps: number, outcome: string, frames: string[] }} Recording
 */

/** Where this page came from is where its service is, also behind a proxy's path. @param {string} path */
export const address = (path) => new URL(path, document.baseURI).href;

/** A refusal or failure that the service put into words. */
export class ServiceProblem extends Error {
  /** @param {Problem} problem */
  constructor(problem) {
    super(problem.title);
    this.problem = problem;
  }
}

/** @param {string} key empty for none @returns {Promise<Model>} */
export async function getModel(key) {
  const answer = await fetch(address('v1/model'), { headers: authorization(key) });
  await refuseProblems(answer);
  return answer.json();
}

/** @returns {Promise<Recording[]>} */
export async function getRecordings() {
  const answer = await fetch(address('playground/episodes.json'));
  await refuseProblems(answer);
  return answer.json();
}

/**
 * Scores an episode: each prefix as soon as it is known, then the result.
 * @param {EpisodeQuestion} question
 * @param {Frame[]} frames
 * @param {{ key: string, signal: AbortSignal }} options
 * @returns {AsyncGenerator<PrefixEvent | ResultEvent>}
 * @throws ServiceProblem
 */
export async function* score(question, frames, { key, signal }) {
  const body = new FormData();
  body.set('episode', JSON.stringify(question));
  for (const { file, name } of frames) body.append('frames', file, name);
  const headers = { accept: 'application/x-ndjson', ...authorization(key) };
  const answer = await fetch(address('v1/rewards'), { method: 'POST', headers, body, signal });
  await refuseProblems(answer);
  let ended = false;
  for await (const event of jsonLines(/** @type {ReadableStream<Uint8Array<ArrayBuffer>>} */ (answer.body))) {
    if (event.event === 'problem') throw new ServiceProblem(event.problem);
    ended = event.event === 'result';
    yield event;
  }
  if (!ended) throw new TypeError('The answer broke off.');
}

/** @param {string} key @returns {Record<string, string>} */
function authorization(key) {
  return key ? { authorization: `Bearer ${key}` } : {};
}

/** @param {Response} answer */
async function refuseProblems(answer) {
  if (answer.ok) return;
  const isProblem = answer.headers.get('content-type')?.startsWith('application/problem+json');
  if (isProblem) throw new ServiceProblem(await answer.json());
  // Something between this page and the service.
  throw new TypeError(`The answer was HTTP ${answer.status} ${answer.statusText}`);
}
