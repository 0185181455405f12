/**
 * Tells whether a token of a vocabulary is markup, such as `<tts_pad>`, `<|im_end|>` or `[INST]`. Only added tokens of a tokenizer
 * have this form: byte-level tokenizers never put a letter and a closing bracket into one ordinary token.
 * Byte tokens such as `<0x0A>` are none: no text becomes one by its letters.
 */
export function isMarkup(token: string): boolean {
  if (/^<0x[0-9A-F]{2}>$/.test(token)) return false;
  return /^(<.*[A-Za-z0-9].*>|\[.*[A-Za-z0-9].*\])$/s.test(token);
}
