import type { Problem } from '../../schemas/problem.ts';
import { PROBLEMS, type ProblemCode, problemType } from '../../schemas/problem-kinds.ts';

/** Details of one problem, beside its code and its message. */
export type ProblemPlace = Omit<Problem, 'type' | 'title' | 'status' | 'code' | 'detail' | 'instance'>;

/** An error that becomes an RFC 9457 problem. Its message is for the caller: no secrets, no internal messages. */
export class ProblemError extends Error {
  readonly code: ProblemCode;
  readonly place: ProblemPlace;

  constructor(code: ProblemCode, detail: string, place: ProblemPlace = {}, cause?: unknown) {
    super(detail, { cause });
    this.code = code;
    this.place = place;
  }
}

/** The problem document of an error. @param instance the id of the request */
export function problemDocument(error: ProblemError, instance: string): Problem {
  const { status, title } = PROBLEMS[error.code];
  return {
    type: problemType(error.code),
    title,
    status,
    code: error.code,
    detail: error.message,
    instance,
    ...error.place,
  };
}
