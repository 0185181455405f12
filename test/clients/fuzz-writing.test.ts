import t from 'tap';
import { startGvl, writtenText } from '../support/gvl.ts';
import { needing } from '../support/needs.ts';
import { fuzz, KEY } from './fuzz.ts';

const needs = needing('test/clients');

t.setTimeout(590_000);

/** What models write: all numbers, some of them, JSON, and nothing of use. */
const WRITTEN = [
  writtenText([10, 20, 30, 40, 50, 60]),
  'Frame 1: 10%\nFrame 1: 20%\nFrame 9: 5%\nFrame 2: 200%\nFrame 3: none',
  '{"1": 10, "2": 20, "3": 30.5, "4": 400, "5": null}',
  '\u0000\u2028"\\ 🤖 <|im_end|>',
  '',
];

t.test('a service whose model writes texts behaves as openapi.yaml says', needs, async (t) => {
  const { address, fake } = await startGvl(t, {}, { API_KEYS: `fuzz=${KEY}` });
  fake.behaviour.fault = (_, __, count) => {
    fake.behaviour.text = WRITTEN[count % WRITTEN.length] ?? '';
  };
  const scoring = ['scoreEpisode', 'scoreBatch'].flatMap((operation) => ['--include-operation-id', operation]);
  await fuzz(t, address, ['topreward', 'instruction_likelihood', 'gvl'], [...scoring, '--phases', 'coverage']);
});
