import type { PromptPart } from '../../plan/generation.ts';

/**
 * The user's turn of GVL: the authors' texts, copied unchanged, without context episodes. The chat template puts nothing between
 * parts, so only the first text ends with a line break. The authors' empty text after each frame is left out: it adds no token.
 * Source: configs/prompts/default.yaml, configs/prompt_phrases/default.yaml and topreward/clients/base.py of arXiv 2602.19313.
 * @param frames raw frame numbers in the order in which they are shown, ≥ 1 of them. The earliest is also the initial scene.
 * @returns parts in which the frame at index i is called Frame i + 1
 */
export function gvlParts(instruction: string, frames: number[]): PromptPart[] {
  return [
    {
      text: `You are an expert roboticist tasked to predict task completion percentages for frames of a robot for the task of ${instruction}.
The task completion percentages are between 0 and 100, where 100 corresponds to full task completion.
We provide several examples of the robot performing the task at various stages and their corresponding task completion percentages.
Note that the frames may be in random order, so please pay attention to the individual frames when reasoning about task completion percentage.
`,
    },
    { text: 'Initial robot scene:' },
    { frame: Math.min(...frames) },
    { text: 'In the initial robot scene, the task completion percentage is 0%.' },
    {
      text: `Now, for the task of ${instruction}, output the task completion percentage for the following frames that are presented in random order. For each frame, format your response as follow: Frame {i}: Task Completion Percentages:{}%`,
    },
    { text: 'Be rigorous and precise; percentage reflects task completion.' },
    { text: 'Remember: frames are in random order.' },
    ...frames.flatMap((frame, i) => [{ text: `Frame ${i + 1}:` }, { frame }]),
  ];
}

/**
 * The user's turn when the model must write JSON of `gvlSchema`. One sentence of ours is added to the authors' texts, at the end,
 * so that an engine can reuse everything before it.
 */
export function structuredParts(instruction: string, frames: number[]): PromptPart[] {
  const text =
    'Answer in JSON: one object with a member for each frame. Its name is the number of the frame, and its value is the task completion percentage, an integer.';
  return [...gvlParts(instruction, frames), { text }];
}

/**
 * The JSON schema of a structured text: an object with an integer, 0…100, for each frame of the prompt, in order. Its members are
 * named "1" to the number of frames.
 * @param count number of frames, ≥ 1
 */
export function gvlSchema(count: number) {
  const names = Array.from({ length: count }, (_, i) => `${i + 1}`);
  const percentage = { type: 'integer', minimum: 0, maximum: 100 };
  return {
    type: 'object',
    properties: Object.fromEntries(names.map((name) => [name, percentage])),
    required: names,
    additionalProperties: false,
  };
}
