import type { Test } from 'tap';
import type { Case, OracleAnswer } from '../support/oracle.ts';
import { post } from '../support/recorded.ts';

/** Largest permitted difference from transformers on the same 8-bit pixels, in nats. */
const TOLERANCE = 1e-4;
/** Largest permitted difference from transformers on the authors' pixels, which are not rounded. */
const FLOAT_TOLERANCE = 2e-2;

/** Compares the service's published pipeline with the oracle's, prefix by prefix. */
export async function comparePublished(
  t: Test,
  address: string,
  { name, files, fps, instruction, prompt = 'open', lengths }: Case,
  expected: OracleAnswer | undefined,
): Promise<void> {
  if (!expected) throw new Error(`The oracle has no result for ${name}.`);
  const options = { instruction, fps, prompt, pipeline: 'published', include_token_ids: true };
  const { status, body } = await post(address, files, { ...options, ...(lengths && { prefixes: { lengths } }) });
  t.equal(status, 200, name);
  t.same(
    body.prefixes.map(({ length }) => length),
    expected.lengths,
    `${name}: prefixes`,
  );
  const { provenance } = body;
  t.same(
    provenance.frame_size.per_prefix?.map(({ width }) => width),
    expected.sides,
    `${name}: frame sizes`,
  );
  t.same(provenance.sampled_frame_indices, expected.sampled, `${name}: frames of the longest prefix`);
  t.same(provenance.prompt.token_ids, expected.input_ids, `${name}: token ids of the longest prefix`);
  const furthest = (values: number[] | undefined, name: 'log_prob_true' | 'log_prob_false') =>
    Math.max(...body.prefixes.map((prefix, i) => Math.abs(prefix[name] - (values?.[i] ?? Number.NaN))));
  const rounded = Math.max(
    furthest(expected.log_prob_true, 'log_prob_true'),
    furthest(expected.log_prob_false, 'log_prob_false'),
  );
  const float = furthest(expected.log_prob_true_float, 'log_prob_true');
  t.ok(rounded <= TOLERANCE, `${name}: largest difference ${rounded}`);
  t.ok(float <= FLOAT_TOLERANCE, `${name}: largest difference from unrounded pixels ${float}`);
  t.comment(
    `${name}: ${body.prefixes.length} prefixes, largest difference ${rounded.toExponential(1)} nats; from unrounded pixels ${float.toExponential(1)}`,
  );
}
