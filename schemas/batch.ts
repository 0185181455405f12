import { type Static, Type } from 'typebox';
import { Episode, RewardRequest } from './episode.ts';
import { byEvent } from './events.ts';
import { files } from './files.ts';
import { Problem } from './problem.ts';
import { RewardResult } from './reward.ts';

const closed = { additionalProperties: false };

export const BatchItem = Type.Object(
  {
    episode: Episode,
    frame_count: Type.Optional(
      Type.Integer({
        minimum: 0,
        description:
          'How many of the parts `frames`, taken in their order, are this episode’s. Without it and `video`, the next part `npy` or `video` is.',
      }),
    ),
    video: Type.Optional(
      Type.Integer({
        minimum: 0,
        description:
          'Number, from 0, of the part `video` that this episode is cut from by `from_s` and `to_s`. Other items may name it too.',
      }),
    ),
  },
  { ...closed, title: 'BatchItem' },
);

export const Batch = Type.Object(
  { items: Type.Array(BatchItem, { minItems: 1 }) },
  { ...closed, title: 'Batch', description: 'The episodes of a batch, and how the parts with frames belong to them.' },
);

/** The form of a batch. It only documents: the upload is read as a stream. */
export const BatchForm = Type.Object(
  {
    batch: Batch,
    frames: Type.Optional(
      files('JPEG, PNG or WebP files, one part each: those of the first episode, of the second, and so on.'),
    ),
    npy: Type.Optional(
      files('NumPy files, uint8, T×H×W×3, one part for each episode without `frame_count` that has no video.'),
    ),
    video: Type.Optional(
      files('MP4, WebM or MKV files: those that items name by number, and one part for each item that names nothing.'),
    ),
  },
  { ...closed, title: 'BatchForm', description: 'The part `batch` comes before all frames.' },
);

export const BatchRequest = Type.Object(
  { items: Type.Array(RewardRequest, { minItems: 1 }) },
  { ...closed, title: 'BatchRequest', description: 'Each item is a request as for one episode.' },
);

const place = {
  index: Type.Integer({ minimum: 0, description: 'Place of the episode in `items`, from 0.' }),
  id: Type.Optional(Type.String({ description: "The caller's own id." })),
};

export const BatchResultEvent = Type.Object(
  { event: Type.Enum(['result']), ...place, result: RewardResult },
  { title: 'BatchResultEvent', description: 'An episode, scored: what it would have got alone.' },
);

export const BatchProblemEvent = Type.Object(
  { event: Type.Enum(['problem']), ...place, problem: Problem },
  { title: 'BatchProblemEvent', description: 'An episode that could not be scored; the others are.' },
);

export const BatchEndEvent = Type.Object(
  {
    event: Type.Enum(['end']),
    scored: Type.Integer({ minimum: 0 }),
    failed: Type.Integer({ minimum: 0 }),
  },
  { title: 'BatchEndEvent', description: 'The last line. An answer without it was cut off.' },
);

/** One line of a batch's answer. */
export const BatchEvent = Type.Union([BatchResultEvent, BatchProblemEvent, BatchEndEvent], {
  title: 'BatchEvent',
  description: 'One line: a `result` or a `problem` for each episode, in whatever order they are done, then `end`.',
  discriminator: byEvent({ result: BatchResultEvent, problem: BatchProblemEvent, end: BatchEndEvent }),
});
export type BatchEvent = Static<typeof BatchEvent>;
