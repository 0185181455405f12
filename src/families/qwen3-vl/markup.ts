import type { PromptLayout, PromptVariant } from '../../../schemas/enumerations.ts';

/** The prompt text before the first block. */
export const OPENING = '<|im_start|>user\n';

/**
 * The text of one block. One <|video_pad|> stands for all of them.
 * @param time in seconds, such as "0.2"
 */
export function blockText(time: string, layout: PromptLayout): string {
  const block = `<${time} seconds><|vision_start|><|video_pad|><|vision_end|>`;
  return layout === 'nested' ? `<|vision_start|>${block}<|vision_end|>` : block;
}

/** The text of an image that is not in a block. One <|image_pad|> stands for all of them. */
export const IMAGE_TEXT = '<|vision_start|><|image_pad|><|vision_end|>';

/** The end of the turn. `open`: nothing, as in the reference. `chat`: the user's turn ends, and the assistant's starts. */
export function turnEnd(variant: PromptVariant): string {
  return variant === 'open' ? '' : '<|im_end|>\n<|im_start|>assistant\n';
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
export function controlTokenIn(text: string): string | undefined {
  return CONTROL_TOKENS.exec(text)?.[0];
}
