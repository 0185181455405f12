import type { ScoreRequest } from '../../engine/engine.ts';
import type { EngineFrame } from '../../frames/rendered.ts';
import type { AnswerStart } from '../../plan/answer-steps.ts';
import { blocksOf, type Query } from '../../plan/plan.ts';
import { completionBody, type TokensToRead } from './completion.ts';
import { cacheSalt, itemsOf } from './items.ts';
import type { Probed } from './probe.ts';
import { querySender, type VllmParts } from './queries.ts';
import { onceAfterLoss } from './repeats.ts';
import { COMPLETION, type Completion } from './responses.ts';

/** One query in the form that is sent. */
interface Question {
  read: TokensToRead;
  /** tokens that follow the prompt; null for none */
  start: AnswerStart | null;
  /** Blocks that are sent with their data: all of the episode; those that only this query has; none, because they were sent before. */
  data: 'all' | 'own' | 'none';
}

/** The frames of an episode for the engine. */
interface SentFrames {
  /** rendered frames of each frame group of the plan, by raw frame number */
  groups: ReadonlyMap<number, EngineFrame>[];
  /** name of the episode for routers */
  session: string;
}

/** Sends a query of the plan to the engine. @throws EngineFault; the signal's reason when it aborts */
export type Ask = (query: Query, question: Question) => Promise<Completion>;

/** Makes the function that sends the queries of one episode. */
export function asker(
  { plan, frames: { size: source }, tenant, signal, usage }: ScoreRequest,
  context: VllmParts,
  probed: Probed,
  { groups, session }: SentFrames,
): Ask {
  const { secret } = context;
  const { encoding } = probed;
  const { model, family } = probed.served;
  const itemsIn = plan.frameGroups.map((group, i) =>
    itemsOf(groups[i] ?? new Map(), { secret, tenant, model, encoding, source, group }, family),
  );
  const items = (each: Query) => blocksOf(plan, each).flatMap((block) => itemsIn[each.frameGroup]?.(block) ?? []);
  const salt = cacheSalt(secret, tenant);
  const send = querySender({ tenant, signal, usage }, context, probed, session);

  /** The query that brings all items of the episode. */
  let first: (() => Promise<Completion>) | undefined;
  // If the engine is lost, one query gives the next one all items. Otherwise each shorter prefix would send them all.
  const restore = onceAfterLoss(async () => {
    usage.resends += 1;
    await first?.();
  });

  return (each, { read, start, data }) => {
    const withTokenIds = data === 'all' || start !== null;
    const common = { model, text: each.text, answerStart: start?.text ?? '', prompt: plan.prompt };
    const asked = { ...common, read, salt, withTokenIds };
    const withData = (block: number) => data === 'all' || (data === 'own' && block >= each.shows);
    const query = () =>
      send(
        COMPLETION,
        (withAllData) => completionBody(asked, items(each), (block) => withAllData || withData(block)),
        data === 'all' ? undefined : restore,
      );
    if (data === 'all') first ??= query;
    return query();
  };
}
