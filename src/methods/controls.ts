import type { Family } from '../families/family.ts';
import { type ControlPlan, reversedPlan, staticPlan } from '../plan/controls.ts';
import type { EpisodePlan } from '../plan/plan.ts';
import type { PlanInput, PrefixMethod } from './method.ts';

/**
 * Plans the requested controls of an episode, whatever the method.
 * @param plan the plan of the episode
 */
export function controlPlans<Tokens, Line, Result>(
  method: PrefixMethod<Tokens, Line, Result>,
  input: PlanInput<Tokens>,
  family: Family,
  plan: EpisodePlan,
): ControlPlan[] {
  // The most likely tokens are those of the episode: a control does not read them.
  const request = { ...input.request, topAnswers: undefined };
  const base = input.request.topAnswers === undefined ? plan : method.plan({ ...input, request }, family);
  const { instruction, controls } = request;
  const { otherInstruction: other } = controls ?? {};
  const given = { instruction, pointer: '/instruction' };
  const plans: ControlPlan[] = [];
  if (controls?.static) plans.push({ name: 'static', plan: staticPlan(base), ...given });
  if (controls?.reversed) plans.push({ name: 'reversed', plan: reversedPlan(base, request.pipeline), ...given });
  if (other !== undefined) {
    const changed = { ...request, instruction: other };
    const pointer = '/controls/other_instruction';
    plans.push({
      name: 'other_instruction',
      plan: method.plan({ ...input, request: changed }, family),
      instruction: other,
      pointer,
    });
  }
  return plans;
}
