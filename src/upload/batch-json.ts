import { setImmediate as nextTurn } from 'node:timers/promises';
import { Type } from 'typebox';
import { createChecker } from '../checking/checker.ts';
import { invalidRequest } from '../checking/field-errors.ts';
import { memberOf } from '../json/member.ts';
import { ProblemError } from '../problems/problems.ts';
import { type BatchEntry, type BatchLimits, checkCount, checkFrames, idOf } from './batch.ts';
import { readJson } from './json.ts';
import type { UploadReader } from './upload.ts';

/** Checks the body without its requests: each request has its own checker and its own problems. */
const checkBody = createChecker(Type.Object({ items: Type.Array(Type.Unknown()) }, { additionalProperties: false }));

/**
 * Reads a batch that was sent as one JSON document. Each item is a request for one episode.
 * @param createReader creates a reader for one episode
 * @returns one entry for each item; a problem of one episode is in its entry
 * @throws ProblemError if the list itself is wrong
 */
export async function readBatchJson(
  body: unknown,
  limits: BatchLimits,
  createReader: () => UploadReader,
): Promise<BatchEntry[]> {
  const items = memberOf(body, 'items');
  if (!Array.isArray(items) || items.length === 0)
    throw invalidRequest([{ pointer: '/items', detail: 'must be a list of at least one request' }]);
  checkBody(body, '');
  checkCount(items.length, limits.MAX_BATCH_EPISODES);
  const frameLists = items.map((item) => memberOf(item, 'frames'));
  checkFrames(
    frameLists.map((frames) => (Array.isArray(frames) ? frames.length : 0)),
    limits.MAX_BATCH_FRAMES,
  );
  const entries: BatchEntry[] = [];
  for (const [index, item] of items.entries()) {
    // An episode of 10,000 digests takes some milliseconds. Between episodes, other requests are processed.
    await nextTurn();
    const id = idOf(memberOf(item, 'episode'));
    entries.push({ id, ...(await readItem(item, `/items/${index}`, limits, createReader())) });
    // The item has been decoded. Its text is released now, not when the last item has been read.
    items[index] = undefined;
  }
  return entries;
}

async function readItem(item: unknown, pointer: string, limits: BatchLimits, reader: UploadReader) {
  try {
    await readJson(item, limits, reader, pointer);
    return { upload: await reader.finish() };
  } catch (error) {
    if (!(error instanceof ProblemError)) throw error;
    return { problem: error };
  }
}
