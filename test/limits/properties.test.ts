import { setImmediate as nextTurn } from 'node:timers/promises';
import t from 'tap';
import { createFairQueue, LimitReached, type Reservation } from '../../src/limits/fair-queue.ts';

// Each property holds for random tenants, weights, sizes and aborts. A failure names the seed that repeats it.
const SEEDS = Array.from({ length: 60 }, (_, i) => i + 1);
const forever = new AbortController().signal;

/** Random whole numbers below a limit: mulberry32. */
function randomOf(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * limit);
  };
}

t.test('limits are never exceeded, every request ends, and everything is released', async (t) => {
  for (const seed of SEEDS) {
    const random = randomOf(seed);
    const places = 1 + random(5);
    const bytes = 20 + random(80);
    const waiting = random(3) === 0 ? 5 + random(20) : Number.POSITIVE_INFINITY;
    const share = [0.3, 0.5, 1][random(3)] ?? 1;
    const weights = Array.from({ length: 1 + random(5) }, () => 1 + random(3));
    const queue = createFairQueue({ places, bytes, waiting, share, weight: (tenant) => weights[Number(tenant)] ?? 1 });
    const episodes = Array.from({ length: 3 }, () => Symbol('episode'));
    // What each tenant holds, counted here and not by the queue.
    const holding = new Map<string, number[]>();
    const faults: string[] = [];

    function check(tenant: string): void {
      const all = [...holding.values()].flat();
      const own = holding.get(tenant) ?? [];
      const sum = (sizes: number[]) => sizes.reduce((total, size) => total + size, 0);
      if (all.length > places) faults.push(`${all.length} of ${places} places`);
      if (sum(all) > bytes) faults.push(`${sum(all)} of ${bytes} bytes`);
      if (own.length > 1 && (own.length > share * places || sum(own) > share * bytes)) faults.push(`more than a share`);
      if (queue.state().waiting > waiting) faults.push(`${queue.state().waiting} requests wait`);
    }

    async function use(tenant: string, size: number, { grow, shrinkTo, release }: Reservation): Promise<void> {
      const sizes = holding.get(tenant) ?? [];
      holding.set(tenant, sizes);
      // The sizes are compared by place in the list, because many are equal.
      const resize = (from: number, to?: number) =>
        sizes.splice(sizes.indexOf(from), 1, ...(to === undefined ? [] : [to]));
      sizes.push(size);
      let held = size;
      check(tenant);
      for (let step = random(4); step > 0; step -= 1) {
        await nextTurn();
        const to = random(2) === 0 ? random(held + 1) : Math.min(held + random(30), bytes);
        try {
          if (to > held) grow(to - held);
          else {
            // The memory is free before the queue starts the next request.
            resize(held, to);
            held = to;
            shrinkTo(to);
            continue;
          }
          resize(held, to);
          held = to;
        } catch (error) {
          if (!(error instanceof LimitReached)) throw error;
        }
        check(tenant);
      }
      await nextTurn();
      resize(held);
      release();
      release();
    }

    const ends = { used: 0, refused: 0, aborted: 0 };
    async function request(): Promise<void> {
      const tenant = `${random(weights.length)}`;
      const size = random(10) === 0 ? random(2 * bytes) : random(15);
      const leaving = new AbortController();
      const episode = episodes[random(4)];
      const entered = queue.enter({ tenant, ...(episode && { episode }) }, leaving.signal, size);
      const patience = random(4) === 0 ? random(6) : undefined;
      const impatience = patience !== undefined && pause(patience).then(() => leaving.abort(new Error('enough')));
      try {
        await use(tenant, Math.min(size, bytes), await entered);
        ends.used += 1;
      } catch (error) {
        if (error instanceof LimitReached) ends.refused += 1;
        else if (error === leaving.signal.reason) ends.aborted += 1;
        else throw error;
      }
      await impatience;
    }

    const requests: Promise<void>[] = [];
    for (let i = 0; i < 150; i += 1) {
      requests.push(request());
      if (random(3) === 0) await nextTurn();
    }
    // It ends only if no request starves.
    await Promise.all(requests);
    t.same(faults, [], `seed ${seed}`);
    t.same(queue.state(), { active: 0, waiting: 0, bytes: 0 }, `seed ${seed}`);
    t.equal(ends.used + ends.refused + ends.aborted, 150);
    if (waiting === Number.POSITIVE_INFINITY) t.equal(ends.refused, 0);
  }
});

t.test('turns follow the weights while all tenants wait, and nobody waits longer than one round', async (t) => {
  for (const seed of SEEDS) {
    const random = randomOf(seed);
    const weights = Array.from({ length: 2 + random(5) }, () => 1 + random(4));
    const round = weights.reduce((sum, weight) => sum + weight, 0);
    const queue = createFairQueue({ places: 1, weight: (tenant) => weights[Number(tenant)] ?? 1 });
    const first = await queue.enter({ tenant: 'first' }, forever);
    const rounds = 6;
    // Requests arrive in any order. Each tenant has enough of them for all rounds.
    const arrivals = weights.flatMap((weight, tenant) => Array.from({ length: rounds * weight }, () => `${tenant}`));
    const shuffled = arrivals.map((tenant) => ({ tenant, at: random(1e6) })).sort((one, other) => one.at - other.at);
    const order: string[] = [];
    const all = shuffled.map(async ({ tenant }) => {
      const { release } = await queue.enter({ tenant }, forever);
      order.push(tenant);
      release();
    });
    first.release();
    await Promise.all(all);
    for (let at = 0; at < order.length; at += round) {
      const turns = order.slice(at, at + round);
      const counts = weights.map((_, tenant) => turns.filter((each) => each === `${tenant}`).length);
      t.same(counts, weights, `seed ${seed}: the turns in one round`);
    }
  }
});

t.test('the requests of an episode start in order of arrival, whoever leaves the queue', async (t) => {
  for (const seed of SEEDS) {
    const random = randomOf(seed);
    const queue = createFairQueue({ places: 1 + random(3), bytes: 10 });
    const owners = Array.from({ length: 6 }, (_, i) => ({ tenant: `${i % 2}`, episode: Symbol(`${i}`) }));
    const started = owners.map((): number[] => []);
    const all = Array.from({ length: 100 }, async (_, i) => {
      const at = random(owners.length);
      const leaving = new AbortController();
      const entered = queue.enter(owners[at] ?? {}, leaving.signal, random(10));
      if (random(5) === 0) pause(random(10)).then(() => leaving.abort());
      const { release } = await entered;
      started[at]?.push(i);
      await nextTurn();
      release();
    });
    await Promise.allSettled(all);
    for (const numbers of started)
      t.same(
        numbers,
        [...numbers].sort((one, other) => one - other),
        `seed ${seed}`,
      );
    t.same(queue.state(), { active: 0, waiting: 0, bytes: 0 });
  }
});

t.test('small requests do not overtake a large one', async (t) => {
  for (const seed of SEEDS) {
    const random = randomOf(seed);
    const queue = createFairQueue({ bytes: 100 });
    const early = await Promise.all([40, 30, 20].map((size) => queue.enter({ tenant: 'small' }, forever, size)));
    const order: string[] = [];
    const enter = async (name: string, size: number) => {
      const { release } = await queue.enter({ tenant: name }, forever, size);
      order.push(name);
      release();
    };
    const all = [enter('large', 91 + random(10))];
    for (let i = 0; i < 10; i += 1) all.push(enter(`small ${i}`, random(10)));
    for (const { release } of early) {
      await nextTurn();
      t.same(order, [], `seed ${seed}`);
      release();
    }
    await Promise.all(all);
    t.equal(order[0], 'large', `seed ${seed}`);
  }
});

/** Waits for some turns of the event loop. */
async function pause(turns: number): Promise<void> {
  for (let i = 0; i < turns; i += 1) await nextTurn();
}
