import t from 'tap';
import { needing } from '../support/needs.ts';
import { runPython } from './support.ts';

const needs = needing('examples/python');
t.setTimeout(60_000);

/** A line of odd_frames.py. */
interface Line {
  name: string;
  message?: string;
  /** largest difference, in levels, between the frame that the code in the message produces and the correct frame */
  fixed?: number;
  /** only for an accepted frame: whether it is unchanged and copied to its own memory */
  same?: boolean;
}

async function readLines(): Promise<Line[]> {
  const { code, stdout, stderr } = await runPython(t, 'test/python/odd_frames.py');
  if (code !== 0) throw new Error(stderr);
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
}
const lines = needs.skip ? [] : await readLines();
const messageOf = (name: string) => lines.find((line) => line.name === name)?.message ?? '';

t.test('an invalid frame is refused, and the message has code that converts it', needs, async (t) => {
  for (const [name, words] of [
    ['none', /^The frame is None\. Make the environment with render_mode="rgb_array"/],
    ['text', /^The frame is a string\. Make the environment with render_mode="rgb_array"/],
    ['float 0…1', /This one is float64 of shape \(24, 32, 3\) with values 0 to 1\. /],
    ['float 0…1', / \(frame \* 255\)\.round\(\)\.astype\(numpy\.uint8\)$/],
    ['float 0…255', / frame\.round\(\)\.astype\(numpy\.uint8\)$/],
    ['int64', / frame\.astype\(numpy\.uint8\)$/],
    ['bool', / \(frame \* 255\)\.astype\(numpy\.uint8\)$/],
    ['chw', /shape \(3, 24, 32\).* numpy\.transpose\(frame, \(1, 2, 0\)\)$/],
    ['grey', / numpy\.stack\(\[frame\] \* 3, axis=-1\)$/],
    ['rgba', / frame\[\.\.\., :3\]$/],
    ['list of frames', / numpy\.asarray\(frame\)\[-1\]$/],
    ['float, NaN', /NaN or infinity\. Convert it first\.$/],
  ] as const)
    t.match(messageOf(name), words, name);
});

t.test('the code in the message produces the correct frame', needs, async (t) => {
  const fixed = lines.filter((line) => line.fixed !== undefined);
  t.equal(fixed.length, 21);
  for (const { name, fixed: levels = Number.NaN } of fixed)
    t.ok(levels <= (name.endsWith('resized') ? 1 : 0), `${name}: ${levels}`);
});

t.test('the message has no code if the correct frame is ambiguous', needs, async (t) => {
  const unsure = lines.filter(({ message }) => message?.endsWith('Convert it first.')).map(({ name }) => name);
  t.strictSame(unsure, [
    'float, nearly black',
    'float, NaN',
    'float, normalised',
    'int32, negative',
    'object',
    'two channels',
    'empty list',
    'no pixels',
    'number',
  ]);
});

t.test('a valid frame is copied unchanged', needs, async (t) => {
  const taken = lines.filter(({ same }) => same !== undefined);
  t.strictSame(
    taken.map(({ name, same }) => [name, same]),
    ['plain', 'turned', 'other order', 'black'].map((name) => [name, true]),
  );
});
