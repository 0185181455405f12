import { byId, make, withCode } from './dom.js';
import { gvlParts } from './gvl-result.js';
import { likelihoodParts } from './likelihood-result.js';
import { rewardParts } from './reward-result.js';

/**
 * @typedef {import('../schemas/result.ts').EpisodeResult} EpisodeResult
 * @typedef {{
 *   summary: string,
 *   verdict: Node,
 *   notes: string[],
 *   numbers: [name: string, value: string, meaning: string][],
 *   more: Node[],
 *   table: { heads: string[], rows: string[][], note: string },
 *   provenance: [name: string, value: string][],
 *   sent: { frames: number[], when: string },
 * }} Parts
 *   What a result shows. `summary` is one line for the status, `more` follows the numbers. The first cell of a row is its
 *   heading. `sent` is which frames the model received, from 0, and with which prefix.
 */

/** What a result shows. @param {EpisodeResult} result @returns {Parts} */
export function partsOf(result) {
  if (result.method === 'gvl') return gvlParts(result);
  return result.method === 'instruction_likelihood' ? likelihoodParts(result) : rewardParts(result);
}

/** Shows a result, its warnings and its provenance. @param {Parts} parts */
export function showResult({ verdict, notes, numbers, more, table, provenance }) {
  byId('verdict').replaceChildren(verdict);
  byId('notes').replaceChildren(...notes.map((text) => make('li', {}, ...withCode(text))));
  byId('numbers').replaceChildren(
    ...numbers.map(([name, value, meaning]) =>
      make('div', {}, make('dt', {}, name), make('dd', {}, make('b', {}, value), make('small', {}, meaning))),
    ),
  );
  byId('more').replaceChildren(...more);
  byId('more').hidden = more.length === 0;
  byId('heads').replaceChildren(...table.heads.map((head) => make('th', { scope: 'col' }, head)));
  byId('rows').replaceChildren(...table.rows.map(row));
  byId('table-note').textContent = table.note;
  byId('provenance').replaceChildren(
    ...provenance.map(([name, value]) => make('div', {}, make('dt', {}, name), make('dd', {}, value))),
  );
  byId('stale').hidden = true;
  byId('result').hidden = false;
}

/** Shows that the form no longer matches the result. */
export function markStale() {
  byId('stale').hidden = false;
}

export function hideResult() {
  byId('result').hidden = true;
}

/** @param {string[]} cells */
export function row([head = '', ...cells]) {
  return make('tr', {}, make('th', { scope: 'row' }, head), ...cells.map((cell) => make('td', {}, cell)));
}
