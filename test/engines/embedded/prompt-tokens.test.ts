import t from 'tap';
import { readCheckpoint } from '../../../src/engines/embedded/checkpoint.ts';
import { promptTokens } from '../../../src/engines/embedded/prompt-tokens.ts';
import { sampleSchedule } from '../../../src/episode/schedule.ts';
import { trueAndFalse } from '../../../src/methods/topreward/prompt.ts';
import { blocksOf } from '../../../src/plan/plan.ts';
import { planEpisode, promptText } from '../../support/plans.ts';
import { CLOCK, MODEL_DIR } from './support.ts';

const checkpoint = await readCheckpoint(MODEL_DIR);
const pads = checkpoint.grid.rows * checkpoint.grid.columns;

t.test('the pieces of every prompt together equal the tokens of its full text', async (t) => {
  for (const prompt of ['open', 'chat'] as const) {
    const instruction = 'Öffne die 2. Schublade 🤖  now,\n it’s “left”';
    const plan = planEpisode({ instruction, prompt, clock: CLOCK }, sampleSchedule(7, CLOCK), [1, 2, 3, 6, 7]);
    const { blocks, queries } = promptTokens(plan, checkpoint);
    for (const { query, own: blocksOfOwn, text: rest } of queries) {
      const times = blocksOf(plan, query).map(({ time }) => time);
      const text = promptText(times, instruction, prompt, 'reference').replaceAll('<|video_pad|>', (pad) =>
        pad.repeat(pads),
      );
      const own = blocksOfOwn.flatMap(({ ids }) => ids);
      const shared = blocks.slice(0, query.shows).flatMap(({ ids }) => ids);
      t.same([...shared, ...own, ...rest], checkpoint.encode(text), `${prompt}, ${query.framesUsed} frames`);
      t.equal(own.length > 0, query.framesUsed % 2 === 1);
    }
  }
});

t.test('queries with different texts get the tokens of their own', async (t) => {
  const plan = planEpisode({ instruction: 'Go.', prompt: 'open', clock: CLOCK }, [0, 1, 2], [1, 2, 3]);
  const asked = ['One?', 'Two?', 'One?'];
  const queries = plan.queries.map((query, i) => ({ ...query, text: asked[i] as string }));
  const tokens = promptTokens({ ...plan, queries } as typeof plan, checkpoint);
  t.strictSame(
    tokens.queries.map(({ text }) => text),
    asked.map((text) => checkpoint.encode(text)),
  );
});

t.test('each answer is a single token, and all four differ', async (t) => {
  const texts = (['open', 'chat'] as const).flatMap((variant) => trueAndFalse(variant).answers.flat());
  t.strictSame(texts, [' True', ' False', 'True', 'False']);
  t.equal(new Set(texts.map((text) => checkpoint.answer(text).id)).size, 4);
  t.throws(() => checkpoint.answer('True or not'), /must make one/);
});

t.test('the first tokens of an answer follow the end of the turn', async (t) => {
  for (const prompt of ['open', 'chat'] as const) {
    const plan = planEpisode({ instruction: 'Go.', prompt, clock: CLOCK }, [0, 1, 2], [3]);
    const [query] = plan.queries;
    const start = { text: ' Yes No', ids: checkpoint.encode(' Yes No') } as { text: string; ids: [number] };
    const read = { ...query.read, start };
    const [plain, longer] = [
      promptTokens(plan, checkpoint),
      promptTokens({ ...plan, queries: [{ ...query, read }] }, checkpoint),
    ].map(({ queries }) => queries[0]);
    t.same(longer?.text, [...(plain?.text ?? []), ...start.ids], prompt);
    t.same(longer?.own, plain?.own);
  }
});
