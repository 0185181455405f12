/** How the question is put: the paper's unfinished user turn, or a closed turn that the assistant answers. */
export type PromptVariant = 'open' | 'chat';

/** Text whose next token is read, by variant. The open prompt's token starts with a space. */
export const ANSWERS = {
  open: { true: ' True', false: ' False' },
  chat: { true: 'True', false: 'False' },
} as const satisfies Record<PromptVariant, { true: string; false: string }>;

/**
 * The statement that follows the video.
 * Source: arXiv 2602.19313, authors' code, to the letter.
 */
export function question(instruction: string): string {
  return `The above video shows a robot manipulation trajectory that completes the following task: ${instruction} Decide whether the above statement is True or not. The answer is:`;
}

/**
 * The added tokens of Qwen2.5, Qwen3, Qwen3-VL, Qwen3-Omni and Qwen3.5, from their tokenizers' files: all of the form <|…|>
 * but for these.
 */
const CONTROL_TOKENS =
  /<\|[^|<>\s]{1,64}\|>|<\/?(?:think|tool_call|tool_response)>|<tts_(?:pad|text_bos|text_eod|text_bos_single)>/;

/**
 * Text that a tokenizer of the Qwen family would read as a control token, anywhere in what a caller wrote. An engine knows its
 * own tokenizer, and may find more: this is what can be told without one.
 * @returns the offending text, or undefined
 */
export function specialTokenText(text: string): string | undefined {
  return CONTROL_TOKENS.exec(text)?.[0];
}

/** What comes before the first block. */
export const OPENING = '<|im_start|>user\n';

/**
 * One block as text, one <|video_pad|> standing for its run of them.
 * @param time in seconds, such as "0.2"
 */
export function blockText(time: string, layout: 'reference' | 'nested'): string {
  const block = `<${time} seconds><|vision_start|><|video_pad|><|vision_end|>`;
  return layout === 'nested' ? `<|vision_start|>${block}<|vision_end|>` : block;
}

/** What comes after the last block. */
export function closingText(instruction: string, variant: PromptVariant): string {
  const turn = question(instruction);
  return variant === 'open' ? turn : `${turn}<|im_end|>\n<|im_start|>assistant\n`;
}

/**
 * The whole prompt as text.
 * @param times one text per block
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
