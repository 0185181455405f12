/** The embedded model on recorded robot episodes: what must hold if, and only if, it looks at the frames and reads the instruction. */
import t from 'tap';
import { post, recorded } from '../support/recorded.ts';
import { startServer } from './server.ts';

const { address } = await startServer(t);
const { files, fps, instruction } = await recorded('drawer-open-v3-success');
const failure = await recorded('drawer-open-v3-failure');

async function score(frames: Buffer[], asked = instruction, options: object = {}) {
  const { status, body } = await post(address, frames, { instruction: asked, fps, ...options });
  t.equal(status, 200);
  return body;
}

const success = await score(files);

t.test('a success rises to the end and is called one', async (t) => {
  t.equal(success.success?.flag, true);
  t.ok((success.voc as number) > 0.95, `voc ${success.voc}`);
  t.ok(success.log_prob_range.span > 2, `${success.log_prob_range.span} nats`);
  t.notOk(success.log_prob_range.flat);
  t.same(success.warnings, [], 'the model is at home here');
});

t.test('an episode that gives up does not, though it is as long and starts alike', async (t) => {
  const result = await score(failure.files, failure.instruction);
  t.equal(result.success?.flag, false);
  t.ok(result.score < success.score - 2, `${result.score} against ${success.score}`);
  t.ok((result.voc as number) < 0.5, `voc ${result.voc}`);
});

t.test('the same frames backwards fall', async (t) => {
  const result = await score([...files].reverse());
  t.ok((result.voc as number) < -0.9, `voc ${result.voc}`);
  t.equal(result.success?.flag, false);
});

t.test('one frame held still is flat, whichever it is', async (t) => {
  for (const frame of [0, 12, 23]) {
    const result = await score(Array<Buffer>(24).fill(files[frame] as Buffer));
    t.ok(result.log_prob_range.flat, `frame ${frame}: ${result.log_prob_range.span} nats`);
    t.match(result.warnings, [{ code: 'flat-curve' }]);
  }
});

t.test('another instruction, other numbers: what the drawer did is told apart from what it did not', async (t) => {
  for (const other of ['Close the window.', 'Dunk the basketball.', 'Turn off the faucet.']) {
    const { score: log } = await score(files, other);
    t.ok(log < success.score - 2, `${other} ${log}`);
  }
  const closing = await score(files, 'Close the drawer.');
  t.ok((closing.voc as number) < -0.5, `an open drawer closes: voc ${closing.voc}`);
  const unheard = await score(files, 'slide open the drawer');
  t.equal(unheard.success?.flag, true, 'a wording that was never taught');
});

t.test('the closed prompt means the same', async (t) => {
  const closed = await score(files, instruction, { prompt: 'chat' });
  t.equal(closed.success?.flag, true);
  t.ok((closed.voc as number) > 0.9, `voc ${closed.voc}`);
});

t.test('words from elsewhere are answered with a warning', async (t) => {
  const { warnings } = await score(files.slice(0, 2), 'Fold the laundry.');
  t.match(warnings, [{ code: 'unfamiliar-words', message: /fold, laundry/ }]);
});
