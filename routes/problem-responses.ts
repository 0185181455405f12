import { STATUS_CODES } from 'node:http';
import { Problem } from '../schemas/problem.ts';

/** Response schemas for problems of these statuses. */
export function problems(...statuses: number[]) {
  return Object.fromEntries(
    statuses.map((status) => [
      status,
      { description: STATUS_CODES[status], content: { 'application/problem+json': { schema: Problem } } },
    ]),
  );
}
