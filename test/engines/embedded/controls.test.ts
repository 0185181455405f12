import t from 'tap';
import type { RewardResult } from '../../../schemas/reward.ts';
import { post, recorded } from '../../support/recorded.ts';
import { startServer } from '../../support/server.ts';

const { address } = await startServer(t);
const { files, fps, instruction } = await recorded('drawer-open-v3-success');
const OTHER = 'Close the drawer.';
const ALL = { static: true, reversed: true, other_instruction: OTHER };
const EPISODE = { instruction, fps, prefixes: { every: 4 } };

async function score(episode: object, frames = files): Promise<RewardResult> {
  const { status, body } = await post(address, frames, { ...EPISODE, ...episode });
  if (status !== 200) t.fail(`status ${status}: ${JSON.stringify(body)}`);
  return body;
}

const closeTo = (found: number[] | undefined, { prefixes }: RewardResult) =>
  found?.length === prefixes.length &&
  prefixes.every(({ log_prob_true }, i) => Math.abs(log_prob_true - (found[i] ?? Number.NaN)) < 1e-4);

const scored = await score({ controls: ALL });

t.test('controls equal the videos that they stand for', async (t) => {
  const { static: still, reversed, other_instruction: other } = scored.controls ?? {};
  t.ok(
    closeTo(
      still?.log_prob_true,
      await score(
        {},
        files.map(() => files[0] as Buffer),
      ),
    ),
    'static',
  );
  t.ok(closeTo(other?.log_prob_true, await score({ instruction: OTHER })), 'other instruction');
  // At 4 fps the sampled frames are 0, 2, …, 22. Backwards and at the times of the episode, they are a video at 2 fps.
  const sampled = scored.provenance.sampled_frame_indices.map((index) => files[index] as Buffer);
  const back = await score({ fps: 2, prefixes: { every: 2 } }, sampled.toReversed());
  t.ok(closeTo(reversed?.log_prob_true, back), 'reversed');
});

t.test('the controls of a recorded success show that its curve is no accident', async (t) => {
  const { static: still, reversed, other_instruction: other } = scored.controls ?? {};
  const { span } = scored.log_prob_range;
  t.ok((still?.span ?? span) < span / 10, 'nothing happens in the static video');
  t.ok((still?.corrected.range.span ?? 0) > 0.9 * span, 'the corrected curve keeps the rise');
  t.ok((reversed?.voc ?? 1) < 0, 'backwards, the drawer closes');
  t.ok((other?.log_prob_true.at(-1) ?? 0) < scored.score - 1, 'the drawer was not closed');
});

t.test('the warnings are those of the episode, and the prompt is its prompt', async (t) => {
  const plain = await score({});
  const odd = await score({ controls: { other_instruction: 'Zap the zebra.' } });
  t.strictSame(odd.warnings, plain.warnings);
  t.strictSame(odd.provenance, plain.provenance);
});

t.test('a static video does not render the other frames, and its blocks are cached', async (t) => {
  const again = await score({ controls: { static: true } });
  const { cached_tokens = 0, prompt_tokens = 0 } = again.controls?.static ?? {};
  t.ok((cached_tokens ?? 0) > prompt_tokens / 2, `${cached_tokens} of ${prompt_tokens} tokens were cached`);
});

t.test('a text of too many tokens is refused at its place', async (t) => {
  const controls = { other_instruction: 'zq '.repeat(1300) };
  const { status, body } = await post(address, files.slice(0, 2), { ...EPISODE, controls });
  t.equal(status, 422);
  t.match(body, { code: 'instruction-too-long', pointer: '/controls/other_instruction' });
});
