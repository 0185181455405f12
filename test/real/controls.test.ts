import t from 'tap';
import { askOracle, type Case } from '../support/oracle.ts';
import { post } from '../support/recorded.ts';
import { startService, synthetic } from './support.ts';

t.setTimeout(900_000);

/** Largest permitted difference from transformers, in nats. */
const TOLERANCE = 1e-4;

const COUNT = 13;
const instruction = 'Put the red block into the blue box.';
const other = 'Open the drawer.';
// At 2 fps every frame is sampled, so a reversed control is the video of the reversed frames.
const files = await synthetic(COUNT, 600);
const cases: Case[] = [
  { name: 'static', files: files.map(() => files[0] as Buffer), fps: 2, instruction },
  { name: 'reversed', files: files.toReversed(), fps: 2, instruction },
  { name: 'other_instruction', files, fps: 2, instruction: other },
];

t.test('each control has the values of its own video in transformers', { timeout: 600_000 }, async (t) => {
  const oracle = await askOracle(cases);
  const address = await startService(t);
  const controls = { static: true, reversed: true, other_instruction: other };
  const { status, body } = await post(address, files, { instruction, fps: 2, controls });
  t.equal(status, 200);
  for (const { name } of cases) {
    const control = body.controls?.[name as 'static' | 'reversed' | 'other_instruction'];
    const expected = oracle.get(name)?.log_prob_true ?? [];
    const differences = control?.log_prob_true.map((value, i) => Math.abs(value - (expected[i] ?? Number.NaN))) ?? [];
    t.equal(differences.length, body.prefixes.length, name);
    t.ok(Math.max(...differences) <= TOLERANCE, `${name}: ${Math.max(...differences)}`);
    t.comment(`${name}: largest difference ${Math.max(...differences).toExponential(1)} nats`);
  }
  const { prompt_tokens, cached_tokens } = body.usage;
  const computed = prompt_tokens - (cached_tokens ?? 0);
  // Four passes of 7 blocks, and for each prefix its text, its own block and one KV block.
  t.ok(computed <= 4 * (7 * 74 + body.prefixes.length * (60 + 76 + 32)), `${computed} tokens computed`);
});
