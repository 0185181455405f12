import t, { type Test } from 'tap';
import { askOracle, type Case, type OracleAnswer } from '../support/oracle.ts';
import { post, recorded } from '../support/recorded.ts';
import { atReferenceSize, startService, synthetic } from './support.ts';

t.setTimeout(900_000);

/** Largest permitted difference from the reference on the same checkpoint, in nats. */
const TOLERANCE = 1e-4;

const success = await recorded('drawer-open-v3-success');
const failure = await recorded('drawer-open-v3-failure');
const made = async (count: number, fps: number): Promise<Case> => ({
  name: `${count} frames at ${fps} fps`,
  files: await synthetic(count, count),
  fps,
  instruction: 'Put the red block into the blue box.',
});
const cases: Case[] = [
  { name: 'recorded success, 244 px', ...success, files: await atReferenceSize(success.files) },
  { name: 'recorded failure, 244 px', ...failure, files: await atReferenceSize(failure.files) },
  { name: 'recorded success, 480 px JPEG', ...success },
  { name: 'recorded failure, 480 px JPEG', ...failure },
  { name: 'recorded success, chat prompt', ...success, prompt: 'chat' },
  { ...(await made(8, 2)), name: 'native size, odd sides', files: await synthetic(8, 6, 331, 197), resize: false },
  { ...(await made(9, 2)), name: 'native size', files: await synthetic(9, 5, 320, 192), resize: false },
  ...(await Promise.all([
    made(1, 10),
    made(2, 10),
    made(3, 2),
    made(15, 3),
    made(64, 2),
    made(64, 10),
    made(9, 0.0025),
  ])),
];

/** All cases with uncompressed frames, as an engine on this machine receives them; those with different sizes also as PNG. */
const ENCODINGS = [
  { encoding: 'raw', asked: cases },
  { encoding: 'png', asked: cases.slice(0, 7) },
];

t.test('every log probability equals that of the reference', { timeout: 600_000 }, async (t) => {
  const oracle = await askOracle(cases);
  for (const { encoding, asked } of ENCODINGS) {
    const address = await startService(t, { ENGINE_FRAME_ENCODING: encoding });
    for (const each of asked) await compare(t, address, each, encoding, oracle.get(each.name));
  }
});

async function compare(t: Test, address: string, asked: Case, encoding: string, expected: OracleAnswer | undefined) {
  const { name, files, fps, instruction, prompt = 'open', resize } = asked;
  if (!expected) throw new Error(`The oracle has no result for ${name}.`);
  const frame_size = resize === false ? 'native' : 'reference';
  const { status, body } = await post(address, files, {
    instruction,
    fps,
    prompt,
    frame_size,
    include_token_ids: true,
  });
  t.equal(status, 200, name);
  t.same(
    body.prefixes.map(({ length }) => length),
    expected.lengths,
    `${name}: prefixes`,
  );
  t.same(body.provenance.sampled_frame_indices, expected.sampled, `${name}: schedule`);
  t.same(body.provenance.prompt.token_ids, expected.input_ids, `${name}: token ids of the longest prefix`);
  t.equal(body.provenance.true_token.id, expected.token_ids.true);
  t.equal(body.provenance.layout, 'reference');
  t.equal(body.provenance.frame_size.encoding, encoding);
  const furthest = Math.max(
    ...body.prefixes.flatMap(({ log_prob_true, log_prob_false }, i) => [
      Math.abs(log_prob_true - (expected.log_prob_true[i] as number)),
      Math.abs(log_prob_false - (expected.log_prob_false[i] as number)),
    ]),
  );
  t.ok(furthest <= TOLERANCE, `${name}: largest difference ${furthest}`);
  t.comment(
    `${name}, ${encoding}: ${body.prefixes.length} prefixes, largest difference ${furthest.toExponential(1)} nats`,
  );
}
