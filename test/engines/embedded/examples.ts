import { fetch } from 'undici';
import type { BatchEvent } from '../../../schemas/batch.ts';
import type { RewardResult } from '../../../schemas/reward.ts';
import type { RewardEvent } from '../../../schemas/reward-event.ts';
import { post, recorded } from '../../support/recorded.ts';

/** First frames of the cuts of a recording. Each cut is a labelled episode. */
const CUTS = [0, 1, 2, 3, 4, 5];

/** Requests the example responses of the contract from a service with the bundled model: one for each file in schemas/examples. */
export async function exampleResponses(address: string): Promise<Record<string, unknown>> {
  const success = await recorded('drawer-open-v3-success');
  const failure = await recorded('drawer-open-v3-failure');
  const { instruction, fps } = success;
  const files = success.files.slice(8, 16);
  const episode = { id: 'a', instruction, fps, prefixes: { count: 3 } };
  const frames = files.map((file) => file.toString('base64'));
  const send = async (path: string, body: object, accept = 'application/json') => {
    const headers = { 'content-type': 'application/json', accept };
    return (await fetch(`${address}${path}`, { method: 'POST', headers, body: JSON.stringify(body) })).text();
  };

  const { body: result } = await post(address, files, episode);
  const lines = parsed<RewardEvent>(await send('/v1/rewards', { episode, frames }, 'application/x-ndjson'));
  const { fps: _, ...clockless } = episode;
  const items = [
    { episode, frames },
    { episode: { ...clockless, id: 'b' }, frames },
  ];
  const batch = parsed<BatchEvent>(await send('/v1/rewards/batch', { items }));
  const labelled = async (recording: Buffer[], isSuccess: boolean) =>
    Promise.all(
      CUTS.map(async (cut) => {
        const { score, log_prob_range } = (await post(address, recording.slice(cut), { instruction, fps })).body;
        return { success: isSuccess, score, log_prob_range: { min: log_prob_range.min, max: log_prob_range.max } };
      }),
    );
  const episodes = [...(await labelled(success.files, true)), ...(await labelled(failure.files, false))];
  const about = { model: result.provenance.model, prompt: 'open', final_prefixes: 3, task: instruction };
  return {
    result: timeless(result),
    'prefix-line': lines.find(({ event }) => event === 'prefix'),
    'batch-problem': identified(batch.find(({ event }) => event === 'problem')),
    'batch-end': batch.at(-1),
    calibration: JSON.parse(await send('/v1/calibrations', { ...about, episodes })),
    model: await (await fetch(`${address}/v1/model`)).json(),
  };
}

function parsed<Event>(lines: string): Event[] {
  return lines
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
}

/** Replaces values that differ each time: durations and cached tokens. */
function timeless(result: RewardResult): RewardResult {
  const usage = { ...result.usage, cached_tokens: 0, queued_ms: 0.1, decoding_ms: 21.4, engine_ms: 48.9 };
  return { ...result, usage };
}

/** Replaces the id of the request, which differs each time. */
function identified(event: BatchEvent | undefined): unknown {
  if (event?.event !== 'problem') throw new Error('The batch has no problem.');
  return { ...event, problem: { ...event.problem, instance: '5f0c3f2e-6d0b-4a41-9d0a-0c4f6a8a2d11' } };
}
