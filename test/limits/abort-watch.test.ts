import { getEventListeners } from 'node:events';
import t from 'tap';
import { createAbortWatch } from '../../src/limits/abort-watch.ts';

/** A watch that records each abort: its items and its reason. */
function recordingWatch() {
  const aborted: [items: string[], reason: unknown][] = [];
  const watch = createAbortWatch<string>((items, reason) => aborted.push([[...items], reason]));
  return { ...watch, aborted };
}

const listeners = (signal: AbortSignal) => getEventListeners(signal, 'abort').length;

t.test('an abort is reported once, with the items of its signal in order', async (t) => {
  const watch = recordingWatch();
  const [one, other] = [new AbortController(), new AbortController()];
  watch.add(one.signal, 'b');
  watch.add(other.signal, 'x');
  watch.add(one.signal, 'a');
  watch.add(one.signal, 'c');
  one.abort('gone');
  t.strictSame(watch.aborted, [[['b', 'a', 'c'], 'gone']]);
  watch.remove(one.signal, 'a');
  other.abort('late');
  t.strictSame(watch.aborted.slice(1), [[['x'], 'late']]);
});

t.test('a signal has one listener while it has items, and the items that were removed are not reported', async (t) => {
  const watch = recordingWatch();
  const gone = new AbortController();
  const steps: [change: 'add' | 'remove', item: string, listeners: number][] = [
    ['add', 'a', 1],
    ['add', 'b', 1],
    ['remove', 'a', 1],
    ['remove', 'unknown', 1],
    ['remove', 'b', 0],
    ['remove', 'b', 0],
    ['add', 'c', 1],
    ['add', 'd', 1],
    ['remove', 'c', 1],
  ];
  for (const [change, item, count] of steps) {
    watch[change](gone.signal, item);
    t.equal(listeners(gone.signal), count, `${change} ${item}`);
  }
  gone.abort('gone');
  t.equal(listeners(gone.signal), 0);
  t.strictSame(watch.aborted, [[['d'], 'gone']]);
});

t.test('items can be removed while their abort is reported', async (t) => {
  const gone = new AbortController();
  const seen: string[] = [];
  const watch = createAbortWatch<string>((items) => {
    for (const item of items) {
      seen.push(item);
      for (const each of ['a', 'b', 'c']) watch.remove(gone.signal, each);
    }
  });
  for (const item of ['a', 'b', 'c']) watch.add(gone.signal, item);
  gone.abort();
  t.strictSame(seen, ['a', 'b', 'c'], 'none is left out');
});
