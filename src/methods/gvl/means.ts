import type { GvlMeans, GvlResult } from '../../../schemas/gvl.ts';

/** Adds up results of GVL as the authors do. */
interface GvlCounter {
  add(result: Pick<GvlResult, 'complete' | 'voc'>): void;
  /** null if there was no result */
  means(): GvlMeans | null;
}

/**
 * Counts results of GVL. The authors record a correlation of 0 for an episode in which a frame has no percentage, call it a failure,
 * and leave it out of the mean; others count it as 0. An undefined correlation is 0 in both.
 * Source: arXiv 2602.19313, the GVL baseline of the authors' repository.
 */
export function gvlCounter(): GvlCounter {
  let sum = 0;
  let complete = 0;
  let incomplete = 0;
  return {
    add(result) {
      if (!result.complete) {
        incomplete += 1;
        return;
      }
      complete += 1;
      sum += result.voc ?? 0;
    },
    means() {
      const all = complete + incomplete;
      if (all === 0) return null;
      return {
        complete,
        incomplete,
        mean_voc: complete > 0 ? sum / complete : null,
        mean_voc_failures_zero: sum / all,
      };
    },
  };
}
