/** The form of the prompt. `open`: an unfinished user turn, as in the reference. `chat`: a complete user turn, then the assistant's. */
export type PromptVariant = 'open' | 'chat';

/** The tokens whose log probability is read, by variant. In the open prompt they begin with a space. */
export const ANSWERS = {
  open: { true: ' True', false: ' False' },
  chat: { true: 'True', false: 'False' },
} as const satisfies Record<PromptVariant, { true: string; false: string }>;

/**
 * The text that follows the video.
 * Source: arXiv 2602.19313, copied unchanged from the authors' code.
 */
export function question(instruction: string): string {
  return `The above video shows a robot manipulation trajectory that completes the following task: ${instruction} Decide whether the above statement is True or not. The answer is:`;
}

/**
 * The added tokens of Qwen2.5, Qwen3, Qwen3-VL, Qwen3-Omni and Qwen3.5, from the files of their tokenizers: all have the form
 * <|…|>, except the others below.
 */
const CONTROL_TOKENS =
  /<\|[^|<>\s]{1,64}\|>|<\/?(?:think|tool_call|tool_response)>|<tts_(?:pad|text_bos|text_eod|text_bos_single)>/;

/**
 * Finds text that a tokenizer of the Qwen family reads as a control token. This check needs no tokenizer. The engine's own check
 * uses the model's tokenizer and can find more.
 * @returns the first such text, or undefined
 */
export function specialTokenText(text: string): string | undefined {
  return CONTROL_TOKENS.exec(text)?.[0];
}

/** The prompt text before the first block. */
export const OPENING = '<|im_start|>user\n';

/**
 * The text of one block. One <|video_pad|> stands for all of them.
 * @param time in seconds, such as "0.2"
 */
export function blockText(time: string, layout: 'reference' | 'nested'): string {
  const block = `<${time} seconds><|vision_start|><|video_pad|><|vision_end|>`;
  return layout === 'nested' ? `<|vision_start|>${block}<|vision_end|>` : block;
}

/** The prompt text after the last block. */
export function closingText(instruction: string, variant: PromptVariant): string {
  const turn = question(instruction);
  return variant === 'open' ? turn : `${turn}<|im_end|>\n<|im_start|>assistant\n`;
}

/**
 * The complete prompt as text.
 * @param times time of each block in seconds, such as "0.2"
 */
export function promptText(
  times: string[],
  instruction: string,
  variant: PromptVariant,
  layout: 'reference' | 'nested',
): string {
  const blocks = times.map((time) => blockText(time, layout)).join('');
  return `${OPENING}${blocks}${closingText(instruction, variant)}`;
}
