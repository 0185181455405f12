import { STATUS_CODES } from 'node:http';
import { Problem } from '../schemas/problem.ts';

/** What any request may be answered, by src/doors.ts: no HTTP, from another site's page, to a foreign name. */
const DOORS = [400, 403, 421];

/** Response schemas for problems of these statuses, and of those that every operation has. */
export function problems(...statuses: number[]) {
  return Object.fromEntries(
    [...DOORS, ...statuses].map((status) => [
      status,
      { description: STATUS_CODES[status], content: { 'application/problem+json': { schema: Problem } } },
    ]),
  );
}
