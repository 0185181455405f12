/**
 * The order in which frames are shown: exactly `numpy.random.default_rng(seed).permutation(count)`.
 * Source: numpy 2.3, numpy/random: bit_generator.pyx (SeedSequence), src/pcg64 (PCG64) and _generator.pyx (shuffle).
 * @param seed integer, 0…2^32 − 1
 * @param count ≥ 0
 * @returns the numbers 0…count − 1, each once
 * @throws RangeError for another seed
 */
export function permutation(seed: number, count: number): number[] {
  if (!Number.isInteger(seed) || seed < 0 || seed >= 2 ** 32) throw new RangeError(`${seed} is not a seed.`);
  const next = generator(seed);
  const order = Array.from({ length: count }, (_, i) => i);
  for (let last = count - 1; last > 0; last -= 1) {
    const chosen = upTo(last, next);
    const moved = order[chosen] ?? Number.NaN;
    order[chosen] = order[last] ?? Number.NaN;
    order[last] = moved;
  }
  return order;
}

/** A random integer, 0…most: the lowest bits of a word, drawn again until they are small enough. */
function upTo(most: number, next: () => number): number {
  const mask = 2 ** (32 - Math.clz32(most)) - 1;
  for (;;) {
    const value = (next() & mask) >>> 0;
    if (value <= most) return value;
  }
}

const MULTIPLIER = 0x2360ed051fc65da44385df649fccf645n;

/** PCG64 (XSL-RR). @returns a function that returns 32 random bits: of each 64, first the low half */
function generator(seed: number): () => number {
  const [stateHigh, stateLow, streamHigh, streamLow] = seedWords(seed);
  const increment = uint128((((streamHigh << 64n) | streamLow) << 1n) | 1n);
  const step = (state: bigint) => uint128(state * MULTIPLIER + increment);
  let state = step(increment + ((stateHigh << 64n) | stateLow));
  let kept: number | undefined;
  return () => {
    if (kept !== undefined) {
      const high = kept;
      kept = undefined;
      return high;
    }
    state = step(state);
    const mix = BigInt.asUintN(64, state ^ (state >> 64n));
    const turn = state >> 122n;
    const output = BigInt.asUintN(64, (mix >> turn) | (mix << (64n - turn)));
    kept = Number(output >> 32n);
    return Number(BigInt.asUintN(32, output));
  };
}

function uint128(value: bigint): bigint {
  return BigInt.asUintN(128, value);
}

/** Number of words that a seed is mixed into. */
const POOL = 4;

/** SeedSequence(seed).generate_state(4, uint64). */
function seedWords(seed: number): [bigint, bigint, bigint, bigint] {
  const pool = mixedPool(seed);
  const hash = hasher(0x8b51f9dd, 0x58f38ded);
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0] = [...pool, ...pool].map(hash);
  const word = (low: number, high: number) => (BigInt(high) << 32n) | BigInt(low);
  return [word(a, b), word(c, d), word(e, f), word(g, h)];
}

function mixedPool(seed: number): Uint32Array {
  const hash = hasher(0x43b0d7e5, 0x931e8875);
  const pool = Uint32Array.from({ length: POOL }, (_, i) => hash(i === 0 ? seed : 0));
  for (let from = 0; from < POOL; from += 1)
    for (let to = 0; to < POOL; to += 1)
      if (to !== from) pool[to] = mixed(pool[to] ?? Number.NaN, hash(pool[from] ?? Number.NaN));
  return pool;
}

/** @returns a function that hashes a word of 32 bits, each time with the next constant */
function hasher(first: number, factor: number): (word: number) => number {
  let constant = first;
  return (word) => {
    const value = word ^ constant;
    constant = Math.imul(constant, factor);
    return folded(Math.imul(value, constant));
  };
}

function mixed(a: number, b: number): number {
  return folded(Math.imul(0xca01f9dd, a) - Math.imul(0x4973f715, b));
}

function folded(value: number): number {
  const word = value >>> 0;
  return (word ^ (word >>> 16)) >>> 0;
}
