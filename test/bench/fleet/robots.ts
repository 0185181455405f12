import { createHash } from 'node:crypto';
import type { Problem } from '../../../schemas/problem.ts';
import type { RewardResult } from '../../../schemas/reward.ts';
import { multipart, send } from '../support.ts';

/** The rate of the schedule, so every frame is sampled and each second adds a block. */
export const FPS = 2;
/** Robot time in s that a request adds: it is also the time between two requests of a robot. */
export const SECONDS = { growing: 1, finished: 20 } as const;
/** Length of a growing episode, s. */
export const EPISODE_S = 30;
const INSTRUCTION = 'Open the drawer.';
/** A request that still misses frames after so many tries has failed. */
const TRIES = 4;

export type Kind = keyof typeof SECONDS;

/** What a fleet does. */
export interface Plan {
  /** of the service */
  url: string;
  robots: number;
  /** how many of them have growing episodes; the others send finished ones */
  growing: number;
  /** in which requests become due */
  seconds: number;
  seed: number;
  /** JPEG files of `FPS * EPISODE_S` frames */
  frames: Buffer[];
}

/** A frame: its number among the files, and a text that makes its bytes unique. */
interface Frame {
  number: number;
  tag: string;
}

/** What a request of a robot led to. */
export interface Asked {
  /** `answered`, or the code of a problem */
  outcome: string;
  /** responses that were 409 */
  conflicts: number;
  engineRequests: number;
  engineResends: number;
}

/** A simulated robot. */
export interface Robot {
  /** Brings a growing episode to a point inside of it, or sends one finished episode. */
  warmUp(): Promise<void>;
  /** Sends what a robot has recorded since its request before. */
  ask(): Promise<Asked>;
}

/**
 * A robot that sends the new frames of its episode each second, and begins another episode after `EPISODE_S`.
 * @param name of the robot: no other has it
 * @param secondsBefore length of its episode after the warm-up, s
 */
export function growingRobot(plan: Plan, name: string, secondsBefore: number): Robot {
  let episode = 0;
  let listed: string[] = [];
  let frames = new Map<string, Frame>();
  const unsent = new Set<string>();

  function add(number: number, tag: string): string {
    const frame = { number, tag };
    const digest = createHash('sha256').update(fileOf(plan, frame)).digest('hex');
    listed.push(digest);
    frames.set(digest, frame);
    return digest;
  }

  function addSecond(): void {
    if (listed.length >= FPS * EPISODE_S) {
      episode += 1;
      listed = [];
      frames = new Map();
      unsent.clear();
    }
    for (let i = 0; i < FPS * SECONDS.growing; i += 1) unsent.add(add(listed.length, `${name}-${episode}`));
  }

  async function ask(): Promise<Asked> {
    for (let tries = 1; ; tries += 1) {
      const files = [...unsent].map((digest) => fileOf(plan, frames.get(digest) as Frame));
      const { answer, outcome, missing } = await exchange(plan, { frame_digests: listed }, files);
      for (const digest of missing) unsent.add(digest);
      if (missing.length > 0 && tries < TRIES) continue;
      if (answer) unsent.clear();
      return { ...costOf(answer), outcome, conflicts: missing.length > 0 ? tries : tries - 1 };
    }
  }

  return {
    /** All robots share the frames after the first second, so that they are uploaded once and not by each robot. */
    async warmUp() {
      if (secondsBefore === 0) return;
      addSecond();
      for (let i = listed.length; i < FPS * secondsBefore; i += 1) add(i, 'shared');
      mustAnswer(await ask());
    },
    ask() {
      addSecond();
      return ask();
    },
  };
}

/**
 * A robot that sends a complete episode each time.
 * @param name of the robot: no other has it
 */
export function finishedRobot(plan: Plan, name: string): Robot {
  let episode = 0;
  async function ask(): Promise<Asked> {
    episode += 1;
    const numbers = Array.from({ length: FPS * SECONDS.finished }, (_, number) => number);
    const files = numbers.map((number) => fileOf(plan, { number, tag: `${name}-${episode}` }));
    const { answer, outcome } = await exchange(plan, {}, files);
    return { ...costOf(answer), outcome, conflicts: 0 };
  }
  return { warmUp: async () => mustAnswer(await ask()), ask };
}

function mustAnswer({ outcome }: Asked): void {
  if (outcome !== 'answered') throw new Error(`The first request of a robot failed: ${outcome}`);
}

interface Exchange {
  outcome: string;
  answer?: RewardResult;
  /** digests of the frames that the service asks for */
  missing: string[];
}

async function exchange({ url }: Plan, episode: object, files: Buffer[]): Promise<Exchange> {
  const body = multipart({ instruction: INSTRUCTION, fps: FPS, ...episode }, files, 'image/jpeg');
  const { status, text } = await send(`${url}/v1/rewards`, body);
  if (status === 200) return { outcome: 'answered', answer: JSON.parse(text) as RewardResult, missing: [] };
  const { code, missing } = JSON.parse(text) as Problem & { missing?: string[] };
  return { outcome: code, missing: missing ?? [] };
}

const costOf = (answer: RewardResult | undefined) => ({
  engineRequests: answer?.usage.engine_requests ?? 0,
  engineResends: answer?.usage.engine_resends ?? 0,
});

/** Bytes of a JPEG marker. */
const START = 2;

/** A file with the same pixels and another digest for each tag: the tag is a comment after the start of the image. */
function fileOf({ frames }: Plan, { number, tag }: Frame): Buffer {
  const file = frames[number];
  if (!file) throw new Error(`There is no frame ${number}.`);
  const text = Buffer.from(tag);
  const head = Buffer.from([0xff, 0xfe, 0, 2 + text.length]);
  return Buffer.concat([file.subarray(0, START), head, text, file.subarray(START)]);
}
