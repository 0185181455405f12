import type { JsonReader } from '../../src/json/json.ts';
import { readJsonBytes } from '../../src/json/read.ts';
import { ProblemError, type ProblemPlace } from '../../src/problems/problems.ts';
import type { BatchEntry, BatchLimits } from '../../src/upload/batch.ts';
import type { FormPart } from '../../src/upload/form.ts';
import type { Upload, UploadReader } from '../../src/upload/upload.ts';

export const LIMITS: BatchLimits = {
  MAX_FRAMES: 100,
  MAX_FRAME_SIDE: 1000,
  MAX_FRAME_PIXELS: 1000 * 1000,
  MAX_FRAME_BYTES: 10,
  MAX_UPLOAD_BYTES: 1000,
  MAX_JSON_BYTES: 1000,
  MAX_BATCH_EPISODES: 4,
  MAX_BATCH_FRAMES: 8,
};

/** A reader that records what it receives. A piece that contains `broken` is a problem. */
export interface RecordingReader extends UploadReader {
  received: string[];
}

/** Creates a reader that records, in the place of that of one episode. */
export function recordingReader(): RecordingReader {
  const received: string[] = [];
  function receive(what: string) {
    received.push(what);
    if (what.includes('broken')) throw new ProblemError('image-damaged', what);
  }
  return {
    received,
    episode: (value, pointer) => receive(`episode ${JSON.stringify(value)} at ${pointer}`),
    image: async (bytes, place) => receive(`image ${bytes} at ${placeOf(place)}`),
    npy: async (chunks) => receive(`npy ${await textOf(chunks)}`),
    async video(video) {
      if (video.file) return receive('video again');
      video.file = Promise.resolve({} as Awaited<NonNullable<typeof video.file>>);
      receive(`video ${await textOf(video.chunks)} at ${placeOf(video.place)}`);
    },
    finish: async () => ({ pointer: 'finished', received }) as unknown as Upload,
  };
}

const placeOf = ({ part, pointer, frame }: ProblemPlace) =>
  [part ?? pointer, frame].filter((each) => each !== undefined).join(' ');

async function textOf(chunks: AsyncIterable<Buffer>): Promise<string> {
  let text = '';
  for await (const chunk of chunks) {
    text += chunk;
    if (text.includes('stop')) throw new ProblemError('invalid-npy', text);
  }
  return text;
}

/** Makes a part of a form from its chunks. */
export function part(name: string, ...chunks: string[]): FormPart {
  return { name, chunks: chunksOf(...chunks) };
}

export async function* chunksOf(...pieces: (string | Buffer)[]): AsyncGenerator<Buffer> {
  for (const piece of pieces) yield typeof piece === 'string' ? Buffer.from(piece) : piece;
}

export async function* partsOf(...parts: FormPart[]): AsyncGenerator<FormPart> {
  yield* parts;
}

/** Reads JSON in this thread. */
export const json: JsonReader = {
  async read(bytes) {
    const result = readJsonBytes(bytes, 'The part');
    if ('value' in result) return result.value;
    throw new ProblemError('malformed-json', result.detail);
  },
  close: async () => {},
};

/** For each episode: the code of its problem, or what its reader received. */
export function outcomes(entries: BatchEntry[]): (string | string[])[] {
  return entries.map((entry) =>
    'problem' in entry ? entry.problem.code : (entry.upload as unknown as RecordingReader).received,
  );
}
