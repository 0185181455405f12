import { setTimeout as sleep } from 'node:timers/promises';
import { randomFrom } from '../synthetic.ts';
import {
  type Asked,
  EPISODE_S,
  finishedRobot,
  growingRobot,
  type Kind,
  type Plan,
  type Robot,
  SECONDS,
} from './robots.ts';

/** In the warm-up: robots that send at once, and finished episodes in all. A new process needs some before its speed is steady. */
const WARMING = { robots: 4, episodes: 8 };

/** A request of a robot. */
export interface Request extends Asked {
  kind: Kind;
  /** `answered`, `unsent` if the robot was still busy with earlier requests at the end, or the code of a problem */
  outcome: string;
  /** from the time when it was due to its response, ms; 0 if unsent */
  ms: number;
}

const UNSENT = { outcome: 'unsent', ms: 0, conflicts: 0, engineRequests: 0, engineResends: 0 };

/**
 * Prepares a fleet. Each robot sends at its own times, and one request after another; a request that is late is sent late.
 * @returns `warmUp` brings each growing episode to a point inside of it, and sends some finished ones; `run` sends what becomes due, and ends with the last response
 */
export function fleetOf(plan: Plan): { warmUp(): Promise<void>; run(): Promise<Request[]> } {
  const random = randomFrom(plan.seed);
  const robots = Array.from({ length: plan.robots }, (_, i) => {
    const kind: Kind = i < plan.growing ? 'growing' : 'finished';
    const phase = random() * SECONDS[kind];
    const name = `${plan.seed}-${i}`;
    const robot =
      kind === 'growing' ? growingRobot(plan, name, Math.floor(random() * EPISODE_S)) : finishedRobot(plan, name);
    return { kind, phase, robot };
  });
  return {
    async warmUp() {
      const left = robots.slice(0, plan.growing + WARMING.episodes).values();
      const next = async () => {
        for (const { robot } of left) await robot.warmUp();
      };
      await Promise.all(Array.from({ length: WARMING.robots }, next));
    },
    async run() {
      const start = performance.now();
      return (await Promise.all(robots.map((each) => follow(each, start, plan.seconds)))).flat();
    },
  };
}

/** Sends the requests of a robot that become due until the end. */
async function follow(
  { kind, phase, robot }: { kind: Kind; phase: number; robot: Robot },
  start: number,
  seconds: number,
): Promise<Request[]> {
  const requests: Request[] = [];
  for (let due = phase; due < seconds; due += SECONDS[kind]) {
    const now = (performance.now() - start) / 1000;
    if (now < due) await sleep(1000 * (due - now));
    if (now >= seconds) {
      requests.push({ kind, ...UNSENT });
      continue;
    }
    const asked = await robot.ask();
    requests.push({ kind, ...asked, ms: performance.now() - start - 1000 * due });
  }
  return requests;
}
