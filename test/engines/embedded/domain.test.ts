import t from 'tap';
import { areaMeans, domainWarnings } from '../../../src/engines/embedded/domain.ts';

const size = { width: 4, height: 4 };
const grey = (level: number) => new Uint8Array(4 * 4 * 3).fill(level);
const domain = {
  words: ['open', 'the', 'drawer'],
  picture: { side: 2, mean: Array<number>(12).fill(100), distance: 20 },
  blocks: 5,
};
const asked = { instruction: 'Open the drawer.', blocks: 5, pictures: [grey(100), grey(119)], size };
const codes = (change: Partial<typeof asked>) =>
  domainWarnings(domain, { ...asked, ...change }).map(({ code }) => code);

t.test('a request within the training domain gets no warnings', async (t) => {
  t.same(codes({}), []);
  t.same(codes({ instruction: 'OPEN the Drawer!!' }), [], 'case and punctuation do not matter');
});

t.test('words outside the training data are named, but only the first ones, and shortened', async (t) => {
  const [warning] = domainWarnings(domain, { ...asked, instruction: 'Öffne the drawer, öffne the window' });
  t.match(warning, { code: 'unfamiliar-words', message: /: öffne, window\.$/ });
  const words = Array.from({ length: 30 }, (_, i) => String.fromCodePoint(97 + (i % 26)).repeat(100 + i));
  const [long] = domainWarnings(domain, { ...asked, instruction: words.join(' ') });
  t.match(long?.message, /a{24}, b{24}.* and 22 more\.$/);
  t.ok((long?.message.length as number) < 400);
});

t.test('one frame outside the training data causes a warning', async (t) => {
  t.same(codes({ pictures: [grey(100), grey(121)] }), ['unfamiliar-frames']);
  t.same(codes({ pictures: [grey(79), grey(100)] }), ['unfamiliar-frames']);
});

t.test('more blocks than in the training data cause a warning', async (t) => {
  t.same(codes({ blocks: 6 }), ['beyond-training-length']);
});

t.test('areaMeans returns the mean of each channel for each area of a frame', async (t) => {
  const pixels = Uint8Array.from(
    { length: 48 },
    (_, i) => 10 * Math.floor(i / 12) + Math.floor((i % 12) / 6) + (i % 3),
  );
  t.same(areaMeans(pixels, size, 2), [5, 6, 7, 6, 7, 8, 25, 26, 27, 26, 27, 28]);
});
