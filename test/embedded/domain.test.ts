import t from 'tap';
import { areaMeans, domainWarnings } from '../../src/engine/embedded/domain.ts';

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

t.test('within its domain there is nothing to warn of', async (t) => {
  t.same(codes({}), []);
  t.same(codes({ instruction: 'OPEN the Drawer!!' }), [], 'whatever the case and the signs');
});

t.test('words that were never taught are named, a few of them and not at length', async (t) => {
  const [warning] = domainWarnings(domain, { ...asked, instruction: 'Öffne the drawer, öffne the window' });
  t.match(warning, { code: 'unfamiliar-words', message: /: öffne, window\.$/ });
  const words = Array.from({ length: 30 }, (_, i) => String.fromCodePoint(97 + (i % 26)).repeat(100 + i));
  const [long] = domainWarnings(domain, { ...asked, instruction: words.join(' ') });
  t.match(long?.message, /a{24}, b{24}.* and 22 more\.$/);
  t.ok((long?.message.length as number) < 400);
});

t.test('one picture far from all that was taught is enough', async (t) => {
  t.same(codes({ pictures: [grey(100), grey(121)] }), ['unfamiliar-picture']);
  t.same(codes({ pictures: [grey(79), grey(100)] }), ['unfamiliar-picture']);
});

t.test('more blocks than were taught', async (t) => {
  t.same(codes({ blocks: 6 }), ['beyond-training-length']);
});

t.test('the means of a picture’s squares', async (t) => {
  const pixels = Uint8Array.from(
    { length: 48 },
    (_, i) => 10 * Math.floor(i / 12) + Math.floor((i % 12) / 6) + (i % 3),
  );
  t.same(areaMeans(pixels, size, 2), [5, 6, 7, 6, 7, 8, 25, 26, 27, 26, 27, 28]);
});
