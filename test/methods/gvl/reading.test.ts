import t, { type Test } from 'tap';
import { type FrameReading, readPercentages, type UnreadReason } from '../../../src/methods/gvl/reading.ts';

/** The value of each frame, or the reason why it has none. */
function said(text: string, count: number): (number | UnreadReason)[] {
  return readPercentages(text, count).frames.map(outcome);
}

function outcome({ value, reason }: FrameReading): number | UnreadReason {
  return reason ?? value;
}

/** Checks how one frame is read. */
function reads(t: Test, cases: Record<string, number | UnreadReason>): void {
  for (const [text, expected] of Object.entries(cases)) t.strictSame(said(text, 15)[2], expected, JSON.stringify(text));
}

t.test('the format that the prompt asks for', async (t) => {
  const text =
    'Frame 1: Task Completion Percentages:45%\nFrame 2: Task Completion Percentages: 0%\nFrame 3: Task Completion Percentages:100%';
  t.strictSame(said(text, 3), [45, 0, 100]);
  t.strictSame(said(text.replaceAll('\n', ' '), 3), [45, 0, 100], 'on one line');
  t.strictSame(said('Frame 3: 30% Frame 1: 10% Frame 2: 20%', 3), [10, 20, 30], 'by number, not by order');
});

t.test('frames are found in any case and with markup', async (t) => {
  reads(t, {
    'FRAME 3: 45%': 45,
    '**Frame 3:** 45%': 45,
    '**Frame 3**: 45%': 45,
    '- Frame 3 - 45%': 45,
    '### Frame #3\n45%': 45,
    'frame 03: 45%': 45,
    'Frame **3**: 45%': 45,
    'Frame `3`: 45%': 45,
    '_Frame 3:_ 45%': 45,
    'Frame {3}: 45%': 45,
    'Frame3: 45%': 45,
    '| Frame 3 | 45% |': 45,
    'Frame 3-45%': 45,
    'In frame 3, the cup is half way: 45%.': 45,
  });
  reads(t, { 'Keyframe 3: 45%': 'not-mentioned', 'Subframe3: 45%': 'not-mentioned', 'Frame: 45%': 'not-mentioned' });
  t.strictSame(
    readPercentages('Frame 1: 5%. The task of this frame 45% done. In this frame (50%)', 1).unshown,
    [],
    'no frames 45 and 50',
  );
});

t.test('the first number with a percent sign is the value', async (t) => {
  reads(t, {
    'Frame 3: Task Completion Percentages: 45 %': 45,
    'Frame 3: Task Completion Percentages:{45}%': 45,
    'Frame 3: Task Completion Percentages: {45%}': 45,
    'Frame 3: **45**%': 45,
    'Frame 3: 45％': 45,
    'Frame 3: step 2 of 4, 45%, then 60%': 45,
    'Frame 3 (step 2): about ~45%.': 45,
    'Frame 3:\n\nThe arm has 2 cups.\n\n45%\n80%': 45,
    'Frame 3: 3/4 done (75%)': 75,
    'Frame 3: 40% - 2 cups are placed': 40,
    'Frame 3: step2 - 45%': 45,
    'Frame 3: half-45%': 45,
    'Frame 3 --45%': 45,
    'Frame 3...45%': 45,
  });
});

t.test('without a percent sign, a number directly after the last colon of the first line is the value', async (t) => {
  reads(t, {
    'Frame 3: 45': 45,
    'Frame 3: 45\nFrame 4: 50': 45,
    '**Frame 3:** 45.': 45,
    'Frame 3: Task Completion Percentages: 45.5 (the cup is lifted)': 45.5,
    'Frame 3: 45 percent': 45,
    'Frame 3: 45, the cup is lifted': 45,
    'Frame 3: 45,5': 'no-number',
    'Frame 3: 2 cups': 'no-number',
    'Frame 3 - 45': 'no-number',
    'Frame 3: the arm\nsince: 45': 'no-number',
    'Frame 3: 40-50': 'no-number',
    'Frame 3: 45 / 100': 'no-number',
    'Frame 3.5%': 'no-number',
    'Frame 3: about 45': 'no-number',
  });
});

t.test('a fraction stays as it is', async (t) => {
  reads(t, { 'Frame 3: 45.5%': 45.5, 'Frame 3: 0.25%': 0.25 });
  t.strictSame(said('Frame 1: 45.5%\nFrame 2: 90.5%', 2), [45.5, 90.5], 'no scaling to a sum of 100');
});

t.test('a number that does not mean one thing is no value', async (t) => {
  const texts = [
    '40-50%',
    '40 - 50%',
    '40–50%',
    '40 to 50%',
    '40% to 50%',
    '40%-50%',
    'between 40 and 50%',
    '40% or 50%',
    '40% → 50%',
    '40% -> 50%',
  ];
  const odd = ['3/4', '3/4%', '45/100%', '45 of 100%', '45,5%', '1,000%', '1.2.3%', '.5%', '{}%', '%', 'none'];
  reads(t, Object.fromEntries([...texts, ...odd].map((text) => [`Frame 3: ${text}`, 'no-number' as const])));
});

t.test('a value outside 0…100 is out of range', async (t) => {
  const texts = ['-5%', '(-5%)', '−5%', '101%', '100.01%', '1e9%', `${'9'.repeat(1000)}%`, '-5', '250', '1e999%'];
  reads(t, Object.fromEntries(texts.map((text) => [`Frame 3: ${text}`, 'out-of-range' as const])));
  t.ok(Object.is(said('Frame 1: (-0%)', 1)[0], 0), 'a negative zero is zero');
  reads(t, {
    'Frame 3: 0%': 0,
    'Frame 3: -0%': 0,
    'Frame 3: 100.0%': 100,
    'Frame 3: 1e1%': 10,
    [`Frame 3: ${'0'.repeat(500)}45%`]: 45,
  });
});

t.test('the first value of a frame counts', async (t) => {
  const { frames, conflicting } = readPercentages('Frame 1: 10%\nFrame 2: 20%\nFrame 1: 30%\nFrame 2: 20%', 2);
  t.strictSame(frames.map(outcome), [10, 20]);
  t.strictSame(conflicting, [1], 'equal values do not conflict');
  t.strictSame(said('Frame 1 shows the arm.\nFrame 1: 30%', 1), [30], 'a segment without a number does not count');
  t.strictSame(said('Frame 1: 20-30%\nFrame 1: 30%', 1), [30]);
  t.strictSame(readPercentages('Frame 1: 400%\nFrame 1: 40%', 1), {
    frames: [{ value: null, reason: 'out-of-range' }],
    conflicting: [1],
    unshown: [],
  });
});

t.test('frames without a number say why', async (t) => {
  t.strictSame(said('Frame 1 shows the arm\nFrame 3: 45%\nFrame 4: ???', 5), [
    'no-number',
    'not-mentioned',
    45,
    'no-number',
    'not-mentioned',
  ]);
  t.strictSame(said('', 2), ['not-mentioned', 'not-mentioned']);
  t.strictSame(said('45%, 50%', 2), ['not-mentioned', 'not-mentioned'], 'numbers without frames');
  t.strictSame(said('The initial scene is 0%. Frame 1: 45%', 1), [45], 'text before the first frame');
});

t.test('frames that were not shown are noted', async (t) => {
  const { frames, unshown } = readPercentages(
    `Frame 16: 1%\nFrame 1: 5%\nFrame 0: 2%\nFrame 16: 3%\nFrame ${'9'.repeat(400)}: 4%`,
    15,
  );
  t.strictSame(unshown, [0, 16]);
  t.equal(frames[0]?.value, 5);
  t.strictSame(said('Frame 1 is near. Frame 20: 45%', 1), ['no-number'], 'their text belongs to nobody');
});

t.test('text about several frames belongs to none of them', async (t) => {
  t.strictSame(said('Frame 1: still.\nFrames 2 and 3: 45%', 3), ['no-number', 'not-mentioned', 'not-mentioned']);
});

t.test('an echo of the prompt has no values', async (t) => {
  const echo =
    'In the initial robot scene, the task completion percentage is 0%. For each frame, format your response as follow: Frame {i}: Task Completion Percentages:{}%';
  t.strictSame(said(echo, 2), ['not-mentioned', 'not-mentioned']);
  t.strictSame(said(`${echo} Frame 1: Frame 2:\nFrame 2: 45%`, 2), ['no-number', 45]);
  t.strictSame(said(`Frame 1: as asked, Frame {i}: Task Completion Percentages:{}% is 45%`, 1), [45]);
});

/** A random number generator with a seed. @returns integers, 0…most − 1 */
function randomInts(seed: number): (most: number) => number {
  let state = seed;
  return (most) => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return Math.floor((state / 2 ** 32) * most);
  };
}

t.test('in any order and with any prose between them, the values are those that were written', async (t) => {
  const heads = [
    'Frame N:',
    '**Frame N:**',
    '- frame N -',
    'FRAME #N',
    '| Frame N |',
    '\n\nFrame 0N: Task Completion Percentages:',
    'Frame N shows 3 cups and the arm.\n',
  ];
  const values = ['V%', ' V %', ' **V%**', ' {V}%', ' about V%', ' the arm is at step 2. V%'];
  const prose = [
    '',
    '\n',
    '. The gripper closes.\n',
    '; 7 cups are left: ',
    ' (see above)\n\n',
    ' — then: ',
    '\n> note 12, 13\n',
    '%%% ',
  ];
  const wrong: string[] = [];
  for (let seed = 1; seed <= 2000; seed += 1) {
    const draw = randomInts(seed);
    const pick = (list: string[]) => list[draw(list.length)] ?? '';
    const count = 1 + draw(20);
    const written = Array.from({ length: count }, () => (draw(5) === 0 ? null : draw(1001) / 10));
    const order = Array.from({ length: count }, (_, i) => ({ i, key: draw(1e6) })).sort((a, b) => a.key - b.key);
    const text = order
      .filter(({ i }) => written[i] !== null)
      .map(({ i }) => pick(heads).replace('N', `${i + 1}`) + pick(values).replace('V', ` ${written[i]}`) + pick(prose))
      .join('\n');
    const expected = written.map((value) => value ?? 'not-mentioned');
    const { frames, conflicting, unshown } = readPercentages(pick(prose) + text, count);
    if (JSON.stringify([frames.map(outcome), conflicting, unshown]) !== JSON.stringify([expected, [], []]))
      wrong.push(`${seed}: ${text}`);
  }
  t.strictSame(wrong.slice(0, 3), []);
});

t.test('any text is read, in time in proportion to its length', async (t) => {
  const pieces = [
    'frame ',
    'Frame 1',
    'frames 2',
    '%',
    ' ',
    '\n',
    ':',
    '-',
    '.',
    ',',
    '9',
    '1e',
    'e',
    '{',
    '*',
    '/',
    ' to ',
    '（',
    '\ud83d',
    '％',
    'frame          ',
  ];
  const pairs = pieces.flatMap((a) => pieces.map((b) => a + b));
  for (const piece of [...pieces, ...pairs, '1 -', '40% to ', '1.1,', 'Frame 1: 4', 'frame 12%']) {
    const text = `Frame 1: 5${piece.repeat(100_000 / piece.length)}x5%`;
    const began = performance.now();
    const { frames } = readPercentages(text, 15);
    const took = performance.now() - began;
    // A time in proportion to the square of the length would be many seconds.
    if (frames.length !== 15 || took > 1000) t.fail(`${JSON.stringify(piece)} took ${took} ms`);
  }
  for (let seed = 1; seed <= 3000; seed += 1) {
    const draw = randomInts(seed);
    const text = Array.from({ length: draw(60) }, () => pieces[draw(pieces.length)]).join('');
    const { frames } = readPercentages(text, 3);
    const fair = frames.every(
      ({ value, reason }) => (value === null) !== (reason === null) && (value === null || (value >= 0 && value <= 100)),
    );
    if (!fair || frames.length !== 3) t.fail(JSON.stringify(text));
  }
  t.pass('no text took longer or threw');
});

t.test('a text that was cut off', async (t) => {
  const cut = (text: string) => readPercentages(text, 3, true).frames.map(outcome);
  t.strictSame(cut(''), ['cut-off', 'cut-off', 'cut-off']);
  t.strictSame(cut('Frame 1: 45%\nFrame 2'), [45, 'cut-off', 'cut-off']);
  t.strictSame(cut('Frame 1: 45%\nFrame 2: 4'), [45, 'cut-off', 'cut-off'], 'the number may go on');
  t.strictSame(cut('Frame 1: 45%\nFrame 2: 40-'), [45, 'cut-off', 'cut-off']);
  t.strictSame(cut('Frame 1: 45\nFrame 2: 4\n'), [45, 4, 'cut-off'], 'the line is complete');
  t.strictSame(cut('Frame 1: 45\nFrame 2: 40%'), [45, 40, 'cut-off'], 'the number is complete');
  t.strictSame(cut('Frame 1: the arm\nFrame 2: 400%'), ['no-number', 'out-of-range', 'cut-off']);
  t.strictSame(cut('Frame 3: 30%\nFrame 2: 20%\nFrame 1: 10%\nFrame 1'), [10, 20, 30], 'earlier values stay');
  t.strictSame(cut('Frame 1: 45%\nFrames 2 and 3: 4'), [45, 'cut-off', 'cut-off']);
  t.strictSame(said('Frame 1: 45%\nFrame 2: 4', 3), [45, 4, 'not-mentioned'], 'one that the model ended');
});

t.test('a part of a number is never a value, wherever a text is cut off', async (t) => {
  const values = [10, 20, 30, 100];
  const whole = values.map((value, i) => `Frame ${i + 1}: Task Completion Percentages:${value}%`).join('\n');
  for (let length = 0; length <= whole.length; length += 1) {
    const text = whole.slice(0, length);
    const complete = text.split('%').length - 1;
    const expected = values.map((value, i) => (i < complete ? value : 'cut-off'));
    t.strictSame(readPercentages(text, 4, true).frames.map(outcome), expected, JSON.stringify(text.slice(-12)));
  }
});
