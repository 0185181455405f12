import type { Episode } from '../../schemas/episode.ts';
import { invalidRequest } from '../checking/field-errors.ts';
import { ProblemError } from '../problems/problems.ts';
import type { ControlTokenCheck } from './control-tokens.ts';
import { checkInstruction } from './instruction.ts';
import { type CorrectedScale, correctedScale } from './progress-scale.ts';

/** The controls of an episode, at least one. */
export interface RequestedControls {
  static: boolean;
  reversed: boolean;
  otherInstruction: string | undefined;
  /** the scale of progress of the corrected curve */
  correctedScale: CorrectedScale;
}

/**
 * The controls of an episode, checked.
 * @param pointer JSON pointer to the episode in the request
 * @returns undefined if no control is requested
 * @throws ProblemError missing-instruction, special-token-text or invalid-request
 */
export function requestedControls(
  episode: Episode,
  pointer: string,
  controlTokenIn: ControlTokenCheck,
): RequestedControls | undefined {
  const { controls = {}, frame_digests } = episode;
  const { static: isStatic = false, reversed = false, other_instruction: otherInstruction } = controls;
  if (otherInstruction !== undefined)
    checkOther(otherInstruction, `${pointer}/controls/other_instruction`, controlTokenIn);
  if (reversed && frame_digests) {
    const detail = 'cannot be combined with `frame_digests`: every new frame would change all of the reversed video';
    throw invalidRequest([{ pointer: `${pointer}/controls/reversed`, detail }]);
  }
  if (!isStatic && !reversed && otherInstruction === undefined) return undefined;
  return { static: isStatic, reversed, otherInstruction, correctedScale: correctedScale(episode) };
}

/** A calibration of the corrected curve needs the static control. @throws ProblemError invalid-request */
export function checkCurve({ calibration, controls }: Episode, pointer: string): void {
  if (calibration?.curve !== 'corrected' || controls?.static) return;
  const detail = 'must be sent with a calibration of the corrected curve';
  throw invalidRequest([{ pointer: `${pointer}/controls/static`, detail }]);
}

function checkOther(instruction: string, pointer: string, controlTokenIn: ControlTokenCheck): void {
  if (instruction.trim() === '') {
    const detail = 'Send in `other_instruction` an instruction that the robot was not given.';
    throw new ProblemError('missing-instruction', detail, { pointer });
  }
  checkInstruction(instruction, pointer, controlTokenIn);
}
