import t from 'tap';
import { fetch } from 'undici';
import type { Calibration } from '../../../schemas/calibration.ts';
import type { RewardResult } from '../../../schemas/reward.ts';
import { post, recorded } from '../../support/recorded.ts';
import { startServer } from '../../support/server.ts';

const { address } = await startServer(t);
const shared = { fps: 4, instruction: 'Open the drawer.' };
const [success, failure] = await Promise.all(['success', 'failure'].map((end) => recorded(`drawer-open-v3-${end}`)));

/** Scores six cuts of a recording. Each starts one frame later and is a separate episode. */
async function scored(files: Buffer[], episode: object = {}): Promise<RewardResult[]> {
  const results: RewardResult[] = [];
  for (let start = 0; start < 6; start += 1) {
    const { status, body } = await post(address, files.slice(start), { ...shared, ...episode });
    if (status !== 200) throw new Error(`The response has status ${status}: ${JSON.stringify(body)}`);
    results.push(body);
  }
  return results;
}

const labelled = (results: RewardResult[], isSuccess: boolean) =>
  results.map(({ score, log_prob_range: { min, max } }) => ({
    success: isSuccess,
    score,
    log_prob_range: { min, max },
  }));

t.test('later requests can send a calibration made from responses, byte for byte as it was received', async (t) => {
  const successes = await scored(success?.files as Buffer[]);
  const failures = await scored(failure?.files as Buffer[]);
  const model = successes[0]?.provenance.model;
  const answer = await fetch(`${address}/v1/calibrations`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      model,
      prompt: 'open',
      task: shared.instruction,
      episodes: [...labelled(successes, true), ...labelled(failures, false)],
    }),
  });
  t.equal(answer.status, 200);
  const text = await answer.text();
  const { threshold, bounds, best, counts } = JSON.parse(text) as Calibration;
  t.same(counts, { episodes: 12, successes: 6, failures: 6, ranges: 6 });
  t.match(best, { true_positives: 6, false_positives: 0, true_negatives: 6, false_negatives: 0 });

  /** Requests a reward, with the text of the calibration inserted into the request unchanged. */
  const ask = async (files: Buffer[] | undefined, change = '') => {
    const frames = JSON.stringify(files?.map((file) => file.toString('base64')));
    const asked = `"instruction":"Open the drawer.","fps":4,"training":{"shaping":{}}${change}`;
    const rewards = await fetch(`${address}/v1/rewards`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: `{"episode":{${asked},"calibration":${text}},"frames":${frames}}`,
    });
    return { status: rewards.status, body: (await rewards.json()) as RewardResult };
  };
  const good = await ask(success?.files);
  t.equal(good.status, 200);
  t.match(good.body.success, { flag: true, threshold, threshold_source: 'calibration' });
  t.same(good.body.progress_scale, { scale: 'bounds', bounds: { ...bounds, source: 'calibration' } });
  const shaping = good.body.training?.shaping?.per_step as number[];
  t.equal(shaping.length, good.body.prefixes.length - 1);
  t.ok((good.body.prefixes.at(-1)?.progress as number) > 0.9);
  const bad = await ask(failure?.files);
  t.match(bad.body.success, { flag: false, threshold, threshold_source: 'calibration' });
  t.ok((bad.body.prefixes.at(-1)?.progress as number) < 0.5, 'min-max progress would reach 1');

  const other = await ask(success?.files, ',"prompt":"chat"');
  t.match(other, { status: 422, body: { code: 'calibration-mismatch', pointer: '/episode/calibration/prompt' } });
});
