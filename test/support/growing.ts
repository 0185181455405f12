import { createHash } from 'node:crypto';
import { FormData, fetch } from 'undici';
import type { Problem } from '../../schemas/problem.ts';
import type { RewardResult } from '../../schemas/reward.ts';

/** The result and the cost of one step of a growing episode. */
export interface Step {
  body: RewardResult;
  /** number of requests: two if frames were missing */
  tries: number;
  /** frames sent in all requests together */
  sent: number;
}

/** A caller with a growing episode. It sends new frames, and missing frames again. */
export function growingEpisode(address: string, episode: object, headers: Record<string, string> = {}) {
  const files = new Map<string, Buffer>();
  const digests: string[] = [];

  async function post(sent: string[], more: object) {
    const form = new FormData();
    form.set('episode', JSON.stringify({ ...episode, ...more, frame_digests: digests }));
    for (const digest of sent) form.append('frames', new Blob([new Uint8Array(files.get(digest) as Buffer)]), digest);
    const answer = await fetch(`${address}/v1/rewards`, { method: 'POST', body: form, headers });
    return { status: answer.status, body: (await answer.json()) as RewardResult & Problem };
  }

  async function ask(fresh: string[], more: object): Promise<Step> {
    const first = await post(fresh, more);
    if (first.status === 200) return { body: first.body, tries: 1, sent: fresh.length };
    if (first.status !== 409) throw new Error(JSON.stringify(first.body));
    const again = [...new Set([...fresh, ...(first.body.missing as string[])])];
    const second = await post(again, more);
    if (second.status !== 200) throw new Error(JSON.stringify(second.body));
    return { body: second.body, tries: 2, sent: fresh.length + again.length };
  }

  /** Adds frames and scores the episode so far. */
  async function step(...added: Buffer[]): Promise<Step> {
    const fresh = added.map((file) => {
      const digest = createHash('sha256').update(file).digest('hex');
      files.set(digest, file);
      digests.push(digest);
      return digest;
    });
    return ask(fresh, {});
  }

  /** Scores the episode again with other options. */
  const again = (more: object) => ask([], more);
  return Object.assign(step, { again });
}
