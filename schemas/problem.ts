import { type Static, Type } from 'typebox';

export const FieldError = Type.Object(
  { pointer: Type.String({ description: 'JSON pointer into the request.' }), detail: Type.String() },
  { title: 'FieldError' },
);

/** RFC 9457 problem details. */
export const Problem = Type.Object(
  {
    type: Type.String({ format: 'uri', description: 'Stable: urn:topreward:problem:<code>.' }),
    title: Type.String(),
    status: Type.Integer(),
    code: Type.String({ description: 'The last part of `type`.' }),
    detail: Type.String({ description: 'What was wrong and what to do.' }),
    instance: Type.String({ description: 'Id of this request, as in the log.' }),
    pointer: Type.Optional(Type.String({ description: 'JSON pointer to what was wrong.' })),
    frame: Type.Optional(Type.Integer({ minimum: 0, description: 'Frame number, from 0.' })),
    part: Type.Optional(Type.String({ description: 'Name of the multipart part.' })),
    limit: Type.Optional(Type.Number({ description: 'The limit that was passed.' })),
    retry_after_s: Type.Optional(Type.Integer({ description: 'As the Retry-After header.' })),
    errors: Type.Optional(Type.Array(FieldError)),
    missing: Type.Optional(
      Type.Array(Type.String(), { description: 'For `frames-missing`: SHA-256 of the frames to send again.' }),
    ),
  },
  { title: 'Problem' },
);
export type Problem = Static<typeof Problem>;
export type FieldError = Static<typeof FieldError>;
