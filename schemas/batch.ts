import { type Static, Type } from 'typebox';
import { Episode, RewardRequest } from './episode.ts';
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
          'How many of the parts `frames`, taken in their order, are this episode’s. Left out: the next part `npy` or `video` is.',
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
      Type.Array(Type.String({ format: 'binary' }), {
        description: 'JPEG, PNG or WebP files, one part each: those of the first episode, of the second, and so on.',
      }),
    ),
    npy: Type.Optional(
      Type.Array(Type.String({ format: 'binary' }), {
        description: 'NumPy files, uint8, T×H×W×3, one part for each episode without `frame_count` that has no video.',
      }),
    ),
    video: Type.Optional(
      Type.Array(Type.String({ format: 'binary' }), {
        description: 'MP4, WebM or MKV files, one part for each episode without `frame_count` that has no .npy.',
      }),
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
  discriminator: {
    propertyName: 'event',
    mapping: {
      result: '#/components/schemas/BatchResultEvent',
      problem: '#/components/schemas/BatchProblemEvent',
      end: '#/components/schemas/BatchEndEvent',
    },
  },
});
export type BatchEvent = Static<typeof BatchEvent>;
