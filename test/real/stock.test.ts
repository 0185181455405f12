import t from 'tap';
import { post, recorded } from '../support/recorded.ts';
import { startService } from './support.ts';

t.setTimeout(600_000);

t.test('with the chat template of the checkpoint blocks are nested, and the response has a warning', async (t) => {
  const address = await startService(t);
  const model = (await (await fetch(`${address}/v1/model`)).json()) as { prompts: { open: { layout: string } } };
  t.equal(model.prompts.open.layout, 'nested');
  const { files, fps, instruction } = await recorded('drawer-open-v3-success');
  const { status, body } = await post(address, files, { instruction, fps });
  t.equal(status, 200);
  t.equal(body.provenance.layout, 'nested');
  t.match(body.warnings, [{ code: 'nested-layout' }]);
  t.equal(body.prefixes.length, 15);
  t.ok((body.usage.cached_tokens as number) > 0, 'prefixes still share one pass');
});
