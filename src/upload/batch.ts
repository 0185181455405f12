import { setImmediate as nextTurn } from 'node:timers/promises';
import { Type } from 'typebox';
import { createChecker } from '../checker.ts';
import { invalidRequest } from '../field-errors.ts';
import { ProblemError, type ProblemPlace } from '../problems.ts';
import type { UploadLimits } from './limits.ts';
import type { Upload, UploadReader, VideoUpload } from './upload.ts';

/** One episode of a batch: read and checked, or what is wrong with it. */
export type BatchEntry = { id: string | undefined } & ({ upload: Upload } | { problem: ProblemError });

export interface BatchLimits extends UploadLimits {
  MAX_BATCH_EPISODES: number;
  MAX_BATCH_FRAMES: number;
}

/** Feeds the parts of a batch to the episodes they belong to. What is wrong with one spoils no other. */
export interface BatchReader {
  /** Takes the part that lists the episodes. @throws ProblemError when it cannot be read: then nobody's frames are known */
  batch(value: unknown): Promise<void>;
  /** Hands over the next frame file. @throws ProblemError when it belongs to no episode */
  frame(read: (reader: UploadReader, place: ProblemPlace) => Promise<void>): Promise<void>;
  /** Hands over the next .npy file. @throws ProblemError when it belongs to no episode */
  npy(read: (reader: UploadReader) => Promise<void>): Promise<void>;
  /** Hands over the next video file, to every episode that is cut from it. @throws ProblemError when it belongs to none */
  video(video: VideoUpload): Promise<void>;
  /** @throws ProblemError missing-episode */
  finish(): Promise<BatchEntry[]>;
}

interface Entry {
  reader: UploadReader;
  id: string | undefined;
  /** parts `frames` that are still to come; undefined where one file is */
  expected: number | undefined;
  /** number of the part `video` that it is cut from, where it says so */
  video: number | undefined;
  seen: number;
  problem?: ProblemError;
}

/** The list alone: each episode in it has a checker of its own, with problems of its own. */
const checkList = createChecker(
  Type.Object(
    {
      items: Type.Array(
        Type.Object(
          {
            episode: Type.Unknown(),
            frame_count: Type.Optional(Type.Integer({ minimum: 0 })),
            video: Type.Optional(Type.Integer({ minimum: 0 })),
          },
          { additionalProperties: false },
        ),
        { minItems: 1 },
      ),
    },
    { additionalProperties: false },
  ),
);

/** @param createReader makes a reader for one episode */
export function createBatchReader(limits: BatchLimits, createReader: () => UploadReader): BatchReader {
  let entries: Entry[] | undefined;
  let npys = 0;
  let videos = 0;

  function known(): Entry[] {
    if (entries) return entries;
    const detail = 'Send the part `batch`, with the list of episodes, before all frames.';
    throw new ProblemError('missing-episode', detail, { part: 'batch' });
  }

  /** The next episode that a file of its own is for. @param number of the part, for problems */
  function nextWithFile(part: string, number: number): Entry {
    const entry = known().find(
      ({ expected, video, seen }) => expected === undefined && video === undefined && seen === 0,
    );
    if (!entry) throw unclaimed(part, number, 'no item names it, and none is left that names nothing');
    return entry;
  }

  return {
    async batch(value) {
      if (entries) throw new ProblemError('unexpected-part', 'There is more than one `batch` part.', { part: 'batch' });
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
        throw invalidRequest([{ pointer: `/items/${both}/video`, detail: 'does not go with `frame_count`' }]);
      for (const [index, { episode, frame_count: expected, video }] of items.entries()) {
        // An episode of ten thousand digests takes some milliseconds: others get a turn in between.
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
        throw unclaimed('frames', counted, 'each `frame_count` is reached');
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

/** @throws ProblemError upload-too-large, for more episodes than are taken at once */
export function checkCount(count: number, limit: number): void {
  if (count <= limit) return;
  const detail = `There are ${count} episodes; at most ${limit} are taken at once. Send several batches.`;
  throw new ProblemError('upload-too-large', detail, { pointer: '/items', limit });
}

/** @param counts of frame files, by episode @throws ProblemError too-many-frames */
export function checkFrames(counts: number[], limit: number): void {
  const count = counts.reduce((sum, each) => sum + each, 0);
  if (count <= limit) return;
  const detail = `There are ${count} frame files; at most ${limit} are taken at once. Send several batches.`;
  throw new ProblemError('too-many-frames', detail, { pointer: '/items', limit });
}

/** The caller's own name of an episode, if it has one that can be given back. */
export function idOf(episode: unknown): string | undefined {
  const id = (episode as { id?: unknown } | null)?.id;
  return typeof id === 'string' ? id.slice(0, 256) : undefined;
}

/** Runs a step of reading one episode; the first problem ends that episode and nothing else. */
async function attempt(entry: Entry, step: () => Promise<void>): Promise<void> {
  if (entry.problem) return;
  try {
    await step();
  } catch (error) {
    if (!(error instanceof ProblemError)) throw error;
    entry.problem = error;
  }
}

async function entryOf(entry: Entry): Promise<BatchEntry> {
  const { reader, id, expected = 1, seen } = entry;
  let upload: Upload | undefined;
  await attempt(entry, async () => {
    if (seen < expected) {
      const detail = `Only ${seen} of ${expected} parts of this episode came.`;
      throw new ProblemError('no-frames', detail, { frame: seen });
    }
    upload = await reader.finish();
  });
  return entry.problem ? { id, problem: entry.problem } : { id, upload: upload as Upload };
}

/** @param number of the part among those of its name, from 0 */
function unclaimed(part: string, number: number, why: string): ProblemError {
  const detail = `No episode takes the part \`${part}\` number ${number}, counted from 0: ${why}.`;
  return new ProblemError('invalid-request', detail, { part });
}
