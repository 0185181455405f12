import { setImmediate } from 'node:timers/promises';
import type { FastifyInstance } from 'fastify';

/** Waits until /health/ready has this status. @returns its body */
export async function readiness(app: FastifyInstance, wanted: number): Promise<{ status: string; reason?: string }> {
  for (;;) {
    const answer = await app.inject('/health/ready');
    if (answer.statusCode === wanted && !answer.body.includes('not been probed')) return answer.json();
    await setImmediate();
  }
}
