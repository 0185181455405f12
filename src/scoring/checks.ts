import type { Engine } from '../engine/engine.ts';
import type { ModelProfile } from '../engine/model-profile.ts';
import { areSame, defaultAnswers, writtenAnswers } from '../episode/answers.ts';
import { controlTokenProblem } from '../episode/control-tokens.ts';
import type { EpisodeRequest } from '../episode/episode.ts';
import { ProblemError } from '../problems/problems.ts';

/** @throws ProblemError frame-size-unsupported */
export function checkFrameSize(
  { frameSize }: EpisodeRequest,
  { frameSizes, referenceFrame }: ModelProfile,
  pointer: string,
): void {
  if (frameSizes.includes(frameSize)) return;
  const { width, height } = referenceFrame;
  const detail = `This model accepts frames of ${width}×${height} px only. Leave \`frame_size\` out: the service then resizes every frame to this size.`;
  throw new ProblemError('frame-size-unsupported', detail, { pointer: `${pointer}/frame_size` });
}

/** @throws ProblemError special-token-text */
export async function checkControlTokens(
  { instruction }: EpisodeRequest,
  engine: Engine,
  signal: AbortSignal,
  pointer: string,
): Promise<void> {
  const special = await engine.controlTokenIn(instruction, signal);
  if (special !== undefined) throw controlTokenProblem(special, `${pointer}/instruction`, 'the instruction');
}

/**
 * Checks that a calibration is for this model, prompt and choice of answers. A model or prompt that it does not name is not
 * checked. If it names no answers, it is for the default answers.
 * @throws ProblemError calibration-mismatch
 */
export function checkCalibration(
  { calibration, prompt, answers }: EpisodeRequest,
  { model }: ModelProfile,
  pointer: string,
): void {
  if (calibration?.model !== undefined && calibration.model !== model) {
    const detail = `The calibration was made with another model. This service serves ${model}. Make a calibration with this model.`;
    throw new ProblemError('calibration-mismatch', detail, { pointer: `${pointer}/calibration/model` });
  }
  if (calibration?.prompt !== undefined && calibration.prompt !== prompt) {
    const detail = `The calibration was made with the prompt "${calibration.prompt}", but this request uses "${prompt}". Use the same prompt for both.`;
    throw new ProblemError('calibration-mismatch', detail, { pointer: `${pointer}/calibration/prompt` });
  }
  if (calibration && !areSame(answers, calibration.answers ?? writtenAnswers(defaultAnswers(prompt)))) {
    const made = calibration.answers ? 'other answers' : 'the default answers';
    const detail = `The calibration was made with ${made}. Use the same \`answers\` for both: \`provenance.answers\` of a response has them.`;
    throw new ProblemError('calibration-mismatch', detail, { pointer: `${pointer}/calibration/answers` });
  }
}
