/** The bundled model on recorded robot episodes. These tests pass only if the frames and the instruction change the scores. */
import t from 'tap';
import { post, recorded } from '../../support/recorded.ts';
import { startServer } from '../../support/server.ts';

const { address } = await startServer(t);
const { files, fps, instruction } = await recorded('drawer-open-v3-success');
const failure = await recorded('drawer-open-v3-failure');

async function score(frames: Buffer[], asked = instruction, options: object = {}) {
  const { status, body } = await post(address, frames, { instruction: asked, fps, ...options });
  t.equal(status, 200);
  return body;
}

const success = await score(files);

t.test('the log probabilities of a success rise to the end, and it is classified as a success', async (t) => {
  t.equal(success.success?.flag, true);
  t.ok((success.voc as number) > 0.95, `voc ${success.voc}`);
  t.ok(success.log_prob_range.span > 2, `${success.log_prob_range.span} nats`);
  t.notOk(success.log_prob_range.flat);
  t.same(success.warnings, [], 'the episode is within the training data');
});

t.test('a failure of the same length with a similar start is not classified as a success', async (t) => {
  const result = await score(failure.files, failure.instruction);
  t.equal(result.success?.flag, false);
  t.ok(result.score < success.score - 2, `${result.score}, compared with ${success.score}`);
  t.ok((result.voc as number) < 0.5, `voc ${result.voc}`);
});

t.test('the log probabilities of the reversed frames fall', async (t) => {
  const result = await score([...files].reverse());
  t.ok((result.voc as number) < -0.9, `voc ${result.voc}`);
  t.equal(result.success?.flag, false);
});

t.test('the curve of one repeated frame is flat', async (t) => {
  for (const frame of [0, 12, 23]) {
    const result = await score(Array<Buffer>(24).fill(files[frame] as Buffer));
    t.ok(result.log_prob_range.flat, `frame ${frame}: ${result.log_prob_range.span} nats`);
    t.match(result.warnings, [{ code: 'flat-curve' }]);
  }
});

t.test('an instruction that does not match the frames gets a low score', async (t) => {
  for (const other of ['Close the window.', 'Dunk the basketball.', 'Turn off the faucet.']) {
    const { score: log } = await score(files, other);
    t.ok(log < success.score - 2, `${other} ${log}`);
  }
  const closing = await score(files, 'Close the drawer.');
  t.ok((closing.voc as number) < -0.5, `voc of the opposite instruction: ${closing.voc}`);
  const unheard = await score(files, 'slide open the drawer');
  t.equal(unheard.success?.flag, true, 'a wording outside the training data');
});

t.test('the chat prompt gives the same classification', async (t) => {
  const closed = await score(files, instruction, { prompt: 'chat' });
  t.equal(closed.success?.flag, true);
  t.ok((closed.voc as number) > 0.9, `voc ${closed.voc}`);
});

t.test('words outside the training data cause a warning', async (t) => {
  const { warnings } = await score(files.slice(0, 2), 'Fold the laundry.');
  t.match(warnings, [{ code: 'unfamiliar-words', message: /fold, laundry/ }]);
});
