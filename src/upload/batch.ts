import { setImmediate as nextTurn } from 'node:timers/promises';
import { Type } from 'typebox';
import { BatchItem } from '../../schemas/batch.ts';
import { createChecker } from '../checking/checker.ts';
import { invalidRequest } from '../checking/field-errors.ts';
import { memberOf } from '../json/member.ts';
import { ProblemError, type ProblemPlace } from '../problems/problems.ts';
import type { UploadLimits } from './limits.ts';
import type { Upload, UploadReader, VideoUpload } from './upload.ts';

/** One episode of a batch: its checked upload, or its problem. */
export type BatchEntry = { id: string | undefined } & ({ upload: Upload } | { problem: ProblemError });

/** Limits of one batch. */
export interface BatchLimits extends UploadLimits {
  MAX_BATCH_EPISODES: number;
  MAX_BATCH_FRAMES: number;
}

/** Passes the parts of a batch to their episodes. A problem of one episode does not affect the others. */
export interface BatchReader {
  /** Reads the part that lists the episodes. @throws ProblemError if the list is wrong: no part can then be assigned */
  batch(value: unknown): Promise<void>;
  /** Passes on the next frame file. @throws ProblemError if it belongs to no episode */
  frame(read: (reader: UploadReader, place: ProblemPlace) => Promise<void>): Promise<void>;
  /** Passes on the next .npy file. @throws ProblemError if it belongs to no episode */
  npy(read: (reader: UploadReader) => Promise<void>): Promise<void>;
  /** Passes the next video file to every episode that is cut from it. @throws ProblemError if it belongs to no episode */
  video(video: VideoUpload): Promise<void>;
  /** Call this after the last part. @throws ProblemError missing-episode */
  finish(): Promise<BatchEntry[]>;
}

interface Entry {
  reader: UploadReader;
  id: string | undefined;
  /** number of its parts `frames`; undefined if it has one file, `npy` or `video` */
  expected: number | undefined;
  /** number of the part `video` that it is cut from, if it names one */
  video: number | undefined;
  /** number of its parts that have arrived */
  seen: number;
  problem?: ProblemError;
}

/** The list with episodes of any kind: each episode has its own checker and its own problems. */
const item = Type.Object({ ...BatchItem.properties, episode: Type.Unknown() }, { additionalProperties: false });
const checkList = createChecker(
  Type.Object({ items: Type.Array(item, { minItems: 1 }) }, { additionalProperties: false }),
);

/** Creates a reader for one batch. @param createReader creates a reader for one episode */
export function createBatchReader(limits: BatchLimits, createReader: () => UploadReader): BatchReader {
  let entries: Entry[] | undefined;
  let npys = 0;
  let videos = 0;

  function known(): Entry[] {
    if (entries) return entries;
    const detail = 'Send the part `batch`, with the list of episodes, before all files.';
    throw new ProblemError('missing-episode', detail, { part: 'batch' });
  }

  /** The next episode that expects a file of its own. @param number number of the part, for problems */
  function nextWithFile(part: string, number: number): Entry {
    const entry = known().find(
      ({ expected, video, seen }) => expected === undefined && video === undefined && seen === 0,
    );
    if (!entry) throw unclaimed(part, number, 'no item names it, and no item without `frame_count` or `video` is left');
    return entry;
  }

  return {
    async batch(value) {
      if (entries)
        throw new ProblemError('unexpected-part', 'There is more than one `batch` part. Send one.', { part: 'batch' });
      const { items } = checkList(value, '');
      checkCount(items.length, limits.MAX_BATCH_EPISODES);
      checkFrames(
        items.map((item) => item.frame_count ?? 0),
        limits.MAX_BATCH_FRAMES,
      );
      const listed: Entry[] = [];
      entries = listed;
      const both = items.findIndex((item) => item.frame_count !== undefined && item.video !== undefined);
      if (both >= 0)
        throw invalidRequest([{ pointer: `/items/${both}/video`, detail: 'cannot be combined with `frame_count`' }]);
      for (const [index, { episode, frame_count: expected, video }] of items.entries()) {
        // An episode of 10,000 digests takes some milliseconds. Between episodes, other requests are processed.
        await nextTurn();
        const entry = { reader: createReader(), id: idOf(episode), expected, video, seen: 0 };
        listed.push(entry);
        await attempt(entry, async () => entry.reader.episode(episode, `/items/${index}/episode`));
      }
    },
    async frame(read) {
      const all = known();
      const entry = all.find(({ expected, seen }) => expected !== undefined && seen < expected);
      if (!entry) {
        const counted = all.reduce((sum, { expected = 0 }) => sum + expected, 0);
        throw unclaimed('frames', counted, 'every `frame_count` has been reached');
      }
      const place = { part: 'frames', frame: entry.seen };
      entry.seen += 1;
      await attempt(entry, () => read(entry.reader, place));
    },
    async npy(read) {
      const entry = nextWithFile('npy', npys);
      npys += 1;
      entry.seen += 1;
      await attempt(entry, () => read(entry.reader));
    },
    async video(video) {
      const named = known().filter((entry) => entry.video === videos);
      const takers = named.length > 0 ? named : [nextWithFile('video', videos)];
      videos += 1;
      for (const entry of takers) {
        entry.seen += 1;
        await attempt(entry, () => entry.reader.video(video));
      }
    },
    async finish() {
      return Promise.all(known().map(entryOf));
    },
  };
}

/** Checks the number of episodes in a batch. @throws ProblemError upload-too-large */
export function checkCount(count: number, limit: number): void {
  if (count <= limit) return;
  const detail = `The batch has ${count} episodes; the limit is ${limit}. Send several batches.`;
  throw new ProblemError('upload-too-large', detail, { pointer: '/items', limit });
}

/** Checks the number of frame files in a batch. @param counts frame files of each episode @throws ProblemError too-many-frames */
export function checkFrames(counts: number[], limit: number): void {
  const count = counts.reduce((sum, each) => sum + each, 0);
  if (count <= limit) return;
  const detail = `The batch has ${count} frame files; the limit is ${limit}. Send several batches.`;
  throw new ProblemError('too-many-frames', detail, { pointer: '/items', limit });
}

/** The client's own id of an episode, at most 256 characters; undefined if it has none. */
export function idOf(episode: unknown): string | undefined {
  const id = memberOf(episode, 'id');
  return typeof id === 'string' ? id.slice(0, 256).toWellFormed() : undefined;
}

/**
 * Runs one step of reading an episode. The first problem ends this episode, but not the others.
 * @returns the result of the step, or the episode's problem
 */
async function attempt<Result>(entry: Entry, step: () => Promise<Result>): Promise<Result | { problem: ProblemError }> {
  if (entry.problem) return { problem: entry.problem };
  try {
    return await step();
  } catch (error) {
    if (!(error instanceof ProblemError)) throw error;
    entry.problem = error;
    return { problem: error };
  }
}

async function entryOf(entry: Entry): Promise<BatchEntry> {
  const { reader, id, expected = 1, seen } = entry;
  const ending = await attempt(entry, async () => {
    if (seen < expected) {
      const detail = `Only ${seen} of ${expected} parts of this episode arrived. Send all of them.`;
      throw new ProblemError('no-frames', detail, { frame: seen });
    }
    return { upload: await reader.finish() };
  });
  return { id, ...ending };
}

/** @param number number of the part among those of its name, from 0 */
function unclaimed(part: string, number: number, why: string): ProblemError {
  const detail = `The part \`${part}\` number ${number} (counted from 0) belongs to no episode: ${why}.`;
  return new ProblemError('invalid-request', detail, { part });
}
