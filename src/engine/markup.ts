/**
 * Whether a token of a vocabulary is markup, such as `<tts_pad>` or `<|im_end|>`: only a tokenizer's added tokens are. The
 * Qwen family's tokenizers never put a letter and a closing bracket into one ordinary token.
 */
export function isMarkup(token: string): boolean {
  return /^<.*[A-Za-z0-9].*>$/s.test(token);
}
