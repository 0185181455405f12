import { type Static, Type } from 'typebox';
import { byMember } from './discriminator.ts';
import { Episode, RewardRequest } from './episode.ts';
import { files } from './files.ts';
import { GvlMeans } from './gvl.ts';
import { nullable } from './nullable.ts';
import { Problem } from './problem.ts';
import { EpisodeResult } from './result.ts';

const closed = { additionalProperties: false };

export const BatchItem = Type.Object(
  {
    episode: Episode,
    frame_count: Type.Optional(
      Type.Integer({
        minimum: 0,
        description:
          'How many of the parts `frames`, in their order, belong to this episode. If neither this nor `video` is given, the next part `npy` or `video` belongs to it.',
      }),
    ),
    video: Type.Optional(
      Type.Integer({
        minimum: 0,
        description:
          'Number of a part `video`, from 0. The episode is the range `from_s` to `to_s` of that video. Several items may use the same one.',
      }),
    ),
  },
  { ...closed, title: 'BatchItem', description: 'One episode of a batch, and where its frames are in the form.' },
);

const Batch = Type.Object(
  { items: Type.Array(BatchItem, { minItems: 1, description: 'The episodes, in the order of their parts.' }) },
  { ...closed, title: 'Batch', description: 'The episodes of a batch, and which parts belong to which of them.' },
);

/** The form of a batch. It is for the contract only: the upload is read as a stream. */
export const BatchForm = Type.Object(
  {
    batch: Batch,
    frames: Type.Optional(
      files(
        'JPEG, PNG or WebP files, one part each: first those of the first episode, then those of the second, and so on.',
      ),
    ),
    npy: Type.Optional(
      files(
        'NumPy files, uint8, shape (frames, height, width, 3): one for each item without `frame_count` and `video`.',
      ),
    ),
    video: Type.Optional(
      files('MP4, WebM or MKV files: those that items name by number, and one for each item that names nothing.'),
    ),
  },
  {
    ...closed,
    title: 'BatchForm',
    description: 'A batch as a form. The part `batch` must be before all files.',
    examples: [{ batch: { items: [{ episode: { instruction: 'Open the drawer.', fps: 10 }, frame_count: 2 }] } }],
  },
);

export const BatchRequest = Type.Object(
  {
    items: Type.Array(RewardRequest, {
      minItems: 1,
      description: 'The episodes. Each item is a complete request as for one episode.',
    }),
  },
  { ...closed, title: 'BatchRequest', description: 'A batch with its frames in base64.' },
);

const place = {
  index: Type.Integer({ minimum: 0, description: 'Number of the episode in `items`, from 0.' }),
  id: Type.Optional(Type.String({ description: 'The `id` of the episode, if the request has one.' })),
};

const BatchResultEvent = Type.Object(
  { event: Type.Enum(['result'], { description: 'Kind of this line.' }), ...place, result: EpisodeResult },
  { title: 'BatchResultEvent', description: 'A scored episode. Its result equals that of a request of its own.' },
);

const BatchProblemEvent = Type.Object(
  { event: Type.Enum(['problem'], { description: 'Kind of this line.' }), ...place, problem: Problem },
  {
    title: 'BatchProblemEvent',
    description: 'An episode that could not be scored. The other episodes are not affected.',
  },
);

const BatchEndEvent = Type.Object(
  {
    event: Type.Enum(['end'], { description: 'Kind of this line.' }),
    scored: Type.Integer({ minimum: 0, description: 'Number of episodes with a result.' }),
    failed: Type.Integer({ minimum: 0, description: 'Number of episodes with a problem.' }),
    gvl: nullable(GvlMeans),
  },
  { title: 'BatchEndEvent', description: 'The last line. A response without it is incomplete.' },
);

/** One line of the response to a batch. */
export const BatchEvent = Type.Union([BatchResultEvent, BatchProblemEvent, BatchEndEvent], {
  title: 'BatchEvent',
  description: 'One line: a `result` or a `problem` for each episode, in the order in which they finish, then `end`.',
  discriminator: byMember('event', { result: BatchResultEvent, problem: BatchProblemEvent, end: BatchEndEvent }),
});
export type BatchEvent = Static<typeof BatchEvent>;
