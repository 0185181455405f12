import t from 'tap';
import { gvlParts, gvlSchema, structuredParts } from '../../../src/methods/gvl/prompt.ts';

/** What the model reads: the chat template of the family puts nothing between parts. */
function rendered(parts: ReturnType<typeof gvlParts>): string {
  return parts.map((part) => ('text' in part ? part.text : `<${part.frame}>`)).join('');
}

/** Rendered by the authors' `_iter_prompt_events` with their default template and phrases, and frames 9, 1 and 5. */
const AUTHORS =
  'You are an expert roboticist tasked to predict task completion percentages for frames of a robot for the task of open the {door}.\n' +
  'The task completion percentages are between 0 and 100, where 100 corresponds to full task completion.\n' +
  'We provide several examples of the robot performing the task at various stages and their corresponding task completion percentages.\n' +
  'Note that the frames may be in random order, so please pay attention to the individual frames when reasoning about task completion percentage.\n' +
  'Initial robot scene:<1>In the initial robot scene, the task completion percentage is 0%.' +
  'Now, for the task of open the {door}, output the task completion percentage for the following frames that are presented in random order. ' +
  'For each frame, format your response as follow: Frame {i}: Task Completion Percentages:{}%' +
  'Be rigorous and precise; percentage reflects task completion.Remember: frames are in random order.' +
  'Frame 1:<9>Frame 2:<1>Frame 3:<5>';

t.test('the prompt is that of the authors', async (t) => {
  const parts = gvlParts('open the {door}', [9, 1, 5]);
  t.equal(rendered(parts), AUTHORS);
  t.equal(parts.length, 13, 'each text of the authors is a part');
});

t.test('a structured answer adds one sentence at the end', async (t) => {
  const parts = structuredParts('open the {door}', [9, 1, 5]);
  t.ok(rendered(parts).startsWith(AUTHORS));
  t.match(rendered(parts).slice(AUTHORS.length), /^Answer in JSON: /);
  t.equal(parts.length, 14);
});

t.test('the schema asks for one integer for each frame', async (t) => {
  const schema = gvlSchema(12);
  const names = Array.from({ length: 12 }, (_, i) => `${i + 1}`);
  t.strictSame(Object.keys(schema.properties), names, 'in order');
  t.strictSame(schema.required, names);
  t.strictSame(schema.properties['12'], { type: 'integer', minimum: 0, maximum: 100 });
  t.equal(schema.additionalProperties, false);
  t.equal(schema.type, 'object');
});
