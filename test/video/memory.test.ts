import t from 'tap';
import { decodingMemory, probingMemory } from '../../src/video/memory.ts';

const MiB = 1024 * 1024;

t.test('the programs may use the memory that docs/reference/video.md states', async (t) => {
  const samples = 5_000_000;
  for (const [what, bytes, mib] of [
    ['a frame of 640×480', decodingMemory(0, 640 * 480), 285],
    ['a frame of 1920×1080', decodingMemory(0, 1920 * 1080), 446],
    ['the largest frame, to probe', probingMemory(0, 4096 * 4096), 384],
    ['five million samples, to decode', decodingMemory(samples, 0) - decodingMemory(0, 0), 610],
    ['five million samples, to probe', probingMemory(samples, 0) - probingMemory(0, 0), 610],
  ] as const)
    t.ok(Math.abs(bytes / MiB - mib) <= 1, `${what}: ${(bytes / MiB).toFixed(1)} MiB`);
});

t.test('each sample and each pixel counts', async (t) => {
  t.equal(decodingMemory(2, 3), 256 * MiB + 2 * 128 + 3 * 96);
  t.equal(probingMemory(2, 3), 128 * MiB + 2 * 128 + 3 * 16);
});
