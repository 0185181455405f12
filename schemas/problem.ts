import { type Static, Type } from 'typebox';
import { PROBLEM_CODES } from './problem-kinds.ts';

const CODES = PROBLEM_CODES.map((code) => `\`${code}\``);

export const FieldError = Type.Object(
  {
    pointer: Type.String({ description: 'JSON pointer to the wrong value in the request.' }),
    detail: Type.String({ description: 'What is wrong there.' }),
  },
  { title: 'FieldError', description: 'One mistake in a request.' },
);

export const Problem = Type.Object(
  {
    type: Type.String({
      format: 'uri-reference',
      description:
        'Identifies the kind of problem: `/problems/<code>`. The service serves a page about it at this path.',
    }),
    title: Type.String({
      description: 'The kind of problem in a few words. It is the same for every problem of a kind.',
    }),
    status: Type.Integer({ description: 'HTTP status of this problem.' }),
    code: Type.String({
      description: `The last part of \`type\`. Use it in programs: codes do not change. New codes may be added, so treat an unknown code like its status. Today’s codes: ${CODES.join(', ')}.`,
    }),
    detail: Type.String({ description: 'What is wrong in this request, and what to send instead.' }),
    instance: Type.String({ description: 'Id of this request, as in the header `x-request-id` and in the log.' }),
    pointer: Type.Optional(Type.String({ description: 'JSON pointer to the wrong value in the request.' })),
    frame: Type.Optional(Type.Integer({ minimum: 0, description: 'Number of the wrong frame, from 0.' })),
    part: Type.Optional(Type.String({ description: 'Name of the part of the form that is wrong.' })),
    limit: Type.Optional(Type.Number({ description: 'The limit that the request exceeds.' })),
    retry_after_s: Type.Optional(
      Type.Integer({ description: 'Seconds to wait before a retry, as in the header `Retry-After`.' }),
    ),
    errors: Type.Optional(
      Type.Array(FieldError, {
        description: 'For `invalid-request`: up to eight mistakes, each with `pointer` and `detail`.',
      }),
    ),
    missing: Type.Optional(
      Type.Array(Type.String({ description: 'SHA-256 in lowercase hex.' }), {
        description: 'For `frames-missing`: the digests of the frames to send again.',
      }),
    ),
  },
  { title: 'Problem', description: 'An error response: problem details as in RFC 9457.' },
);
export type Problem = Static<typeof Problem>;
export type FieldError = Static<typeof FieldError>;
