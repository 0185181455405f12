import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import t from 'tap';
import { createBlockCache } from '../../../src/engines/embedded/cache.ts';
import { ask, openCheckpoint, pictures } from './support.ts';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;
const MB = 1e6;

/** Bytes of all typed arrays that are not garbage. */
async function arrays(): Promise<number> {
  for (let turn = 0; turn < 3; turn += 1) {
    collect();
    await new Promise(setImmediate);
  }
  return process.memoryUsage().arrayBuffers;
}

t.test('after many episodes memory stays within the limit of the cache', async (t) => {
  const { checkpoint, model } = await openCheckpoint(t);
  const limit = 0.5 * MB;
  const cache = createBlockCache(limit);
  const episode = async (seed: number) => {
    await ask({ checkpoint, model, frames: pictures(16, seed, checkpoint), lengths: [5, 16], cache });
    t.ok(cache.state().bytes <= limit, 'the cache stays within its limit');
  };
  await episode(0);
  const before = await arrays();
  for (let seed = 1; seed <= 30; seed += 1) await episode(seed);
  const grown = (await arrays()) - before;
  t.ok(cache.state().bytes > limit / 2, 'the cache is in use');
  t.ok(grown < 2 * limit, `${(grown / MB).toFixed(1)} MB more than after the first of 31 episodes`);
});
