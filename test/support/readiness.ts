import { setImmediate } from 'node:timers/promises';
import type { FastifyInstance } from 'fastify';

/** Waits until the readiness route has this status, and gives what it says. */
export async function readiness(app: FastifyInstance, wanted: number): Promise<{ status: string; reason?: string }> {
  for (;;) {
    const answer = await app.inject('/health/ready');
    if (answer.statusCode === wanted && !answer.body.includes('not been probed')) return answer.json();
    await setImmediate();
  }
}
