import type { Request } from './fleet.ts';
import type { Measured } from './measure.ts';
import { type Kind, SECONDS } from './robots.ts';

/** A level: so many robots on so many engines. */
export interface Level {
  engines: number;
  robots: number;
  /** how many of the robots have growing episodes */
  growing: number;
  /** in which requests became due, s */
  seconds: number;
}

/** Cores that a process used on average. `main` is the service's main thread, a part of `service`. */
export interface Cores {
  service: number;
  main: number;
  engines: number[];
  router: number;
  client: number;
  /** all these processes together */
  all: number;
  /** everything else on this machine */
  others: number;
}

/** The figures of a level. Costs are CPU time in ms for each robot-second that has a result. */
export interface Figures extends Level {
  requests: Record<Kind, number>;
  answered: Record<Kind, number>;
  /** Requests without a result: how many for each code of a problem, and how many were `unsent`. */
  failed: Record<string, number>;
  /** robot-seconds per second */
  offered: number;
  achieved: number;
  /** of the requests with a result, from the time when each was due, ms; null if there are none */
  p50Ms: Record<Kind, number | null>;
  p99Ms: Record<Kind, number | null>;
  /** Requests without a result, or with one after the next request of the robot was due; 0 to 1 */
  lateShare: number;
  /** responses that were 409 */
  conflicts: number;
  engineRequests: number;
  engineResends: number;
  cost: { service: number; main: number; engines: number; router: number; client: number };
  cores: Cores;
  peakMiB: number;
}

const sum = (values: number[]) => values.reduce((total, value) => total + value, 0);
const isAnswered = ({ outcome }: Request) => outcome === 'answered';
const isLate = (request: Request) => !isAnswered(request) || request.ms > 1000 * SECONDS[request.kind];

/** The smallest value that at least the share `share` of the values does not exceed; null if there are none. */
export function percentile(values: readonly number[], share: number): number | null {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? null;
}

/** Adds up what was measured at a level. */
export function figuresOf(level: Level, { requests, seconds, cpu, peakMiB }: Measured): Figures {
  const answered = requests.filter(isAnswered);
  const byKind = <Value>(read: (kind: Kind) => Value) => ({ growing: read('growing'), finished: read('finished') });
  const times = (kind: Kind) => answered.filter((each) => each.kind === kind).map(({ ms }) => ms);
  const robotSeconds = (all: Request[]) => sum(all.map(({ kind }) => SECONDS[kind]));
  const done = robotSeconds(answered);
  const all = cpu.service + sum(cpu.engines) + cpu.router + cpu.client;
  return {
    ...level,
    requests: byKind((kind) => requests.filter((each) => each.kind === kind).length),
    answered: byKind((kind) => times(kind).length),
    failed: countBy(requests.filter((each) => !isAnswered(each)).map(({ outcome }) => outcome)),
    offered: robotSeconds(requests) / level.seconds,
    achieved: done / Math.max(seconds, level.seconds),
    p50Ms: byKind((kind) => percentile(times(kind), 0.5)),
    p99Ms: byKind((kind) => percentile(times(kind), 0.99)),
    lateShare: requests.filter(isLate).length / requests.length,
    conflicts: sum(requests.map(({ conflicts }) => conflicts)),
    engineRequests: sum(answered.map(({ engineRequests }) => engineRequests)),
    engineResends: sum(answered.map(({ engineResends }) => engineResends)),
    cost: {
      service: cpu.service / done,
      main: cpu.main / done,
      engines: sum(cpu.engines) / done,
      router: cpu.router / done,
      client: cpu.client / done,
    },
    cores: {
      service: cpu.service / 1000 / seconds,
      main: cpu.main / 1000 / seconds,
      engines: cpu.engines.map((ms) => ms / 1000 / seconds),
      router: cpu.router / 1000 / seconds,
      client: cpu.client / 1000 / seconds,
      all: all / 1000 / seconds,
      others: Math.max(0, cpu.machine - all) / 1000 / seconds,
    },
    peakMiB,
  };
}

function countBy(names: string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}

/** Largest share of late requests of a fleet that the service keeps up with. */
const MOST_LATE = 0.01;
/** A core that is used for this share of the time is full. */
const FULL = 0.9;
/** Cores that other programs use on an idle machine, at most. */
const IDLE = 0.1;
/** Largest ratio of two costs that count as the same. */
const ALIKE = 1.2;

/** Whether at most 1 % of the requests of a level were late, and none had a problem. */
export function keepsUp({ lateShare, failed }: Figures): boolean {
  return lateShare <= MOST_LATE && Object.keys(failed).length === 0;
}

/** CPU time of the service, the engines and HAProxy, ms for each robot-second. */
export const costOf = ({ cost: { service, engines, router } }: Figures): number => service + engines + router;

/**
 * Says whether the cost of a robot-second stays the same up to the first level that is not kept up with, and what is full there.
 * @param levels with the same number of engines, robots rising
 * @param cores of this machine
 */
export function verdict(levels: readonly Figures[], cores: number): string[] {
  const bound = levels.findIndex((level) => !keepsUp(level));
  const below = bound < 0 ? levels : levels.slice(0, bound);
  const full = levels[bound];
  return [
    growth(below),
    ...(full ? [`At ${full.robots} robots: ${boundOf(full, cores)}`] : ['No level reached a bound.']),
    ...capacities(below),
    ...disturbed(levels),
  ];
}

function growth(levels: readonly Figures[]): string {
  const costs = levels.map(costOf);
  const [first, last] = [levels[0], levels.at(-1)];
  if (!first || !last) return 'The first level is already above the bound.';
  if (first === last)
    return `Only ${first.robots} robots were kept up with: ${costOf(first).toFixed(1)} CPU ms per robot-second.`;
  const ratio = Math.max(...costs) / Math.min(...costs);
  return (
    `The cost is ${ratio <= ALIKE ? 'linear' : 'NOT linear'} from ${first.robots} to ${last.robots} robots: ` +
    `${costs.map((ms) => ms.toFixed(1)).join(', ')} CPU ms per robot-second, largest / smallest ${ratio.toFixed(2)}, at most ${ALIKE}`
  );
}

/** What is full at a level: a single thread, or the machine. */
function boundOf({ cores: used, lateShare, failed }: Figures, cores: number): string {
  const engines = used.engines.map((share, i) => [`engine ${i + 1}`, share] as const);
  const threads = [["the service's main thread", used.main] as const, ...engines]
    .filter(([, share]) => share >= FULL)
    .map(([name, share]) => `${name} used ${share.toFixed(2)} of its core`);
  const busy = used.all + used.others;
  const parts = [
    ...[['service', used.service] as const, ...engines, ['HAProxy', used.router] as const],
    ...[['fleet', used.client] as const, ['other programs', used.others] as const],
  ]
    .filter(([, share]) => share > 0)
    .map(([name, share]) => `${name} ${share.toFixed(2)}`);
  const machine = busy >= FULL * cores ? [`the ${cores} cores of this machine were full (${parts.join(', ')})`] : [];
  const full = [...threads, ...machine];
  const late = `${(100 * lateShare).toFixed(0)} % of the requests were late, ${sum(Object.values(failed))} had no result`;
  return `${late}; ${full.length > 0 ? full.join('; ') : 'no core was full, so the times are the bound'}`;
}

/** A machine that is not idle makes the bound lower and the times longer. */
function disturbed(levels: readonly Figures[]): string[] {
  const most = Math.max(...levels.map(({ cores }) => cores.others));
  return most > IDLE ? [`Other programs used up to ${most.toFixed(2)} cores: measure again on an idle machine.`] : [];
}

/** What one core would carry, from the largest level that was kept up with. */
function capacities(levels: readonly Figures[]): string[] {
  const last = levels.at(-1);
  if (!last) return [];
  const { service, main, engines, router } = last.cost;
  const carried = (ms: number) => (1000 / ms).toFixed(0);
  return [
    `By these costs, one core carries ${carried(engines)} robots as the API process of an engine and ${carried(service)} as the service; ` +
      `the service's main thread carries ${carried(main)}${router > 0 ? `, and a core of HAProxy ${carried(router)}` : ''}`,
  ];
}
