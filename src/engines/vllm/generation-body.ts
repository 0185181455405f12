import type { GenerationPlan } from '../../plan/generation.ts';
import type { Body } from './client.ts';
import type { Item } from './content.ts';
import { itemPart, textPart } from './content.ts';
import { joined } from './pieces.ts';

/** What a generation sends, besides the user turn. */
interface GenerationOptions {
  model: string;
  maxTokens: number;
  schema: GenerationPlan['schema'];
  salt: string;
}

/**
 * Makes the body of a chat completion request in which the model writes a text, in pieces. Images are not copied.
 * @param parts the user turn: texts, and images
 */
export function generationBody(parts: (string | Item)[], options: GenerationOptions): Body {
  const { model, maxTokens, schema, salt } = options;
  const settings = {
    add_generation_prompt: true,
    max_tokens: maxTokens,
    temperature: 0,
    // The settings of the checkpoint may have another value.
    repetition_penalty: 1,
    return_token_ids: true,
    cache_salt: salt,
    ...(schema && {
      response_format: { type: 'json_schema', json_schema: { name: 'answer', schema, strict: true } },
    }),
  };
  const pieces = [
    `{"model":${JSON.stringify(model)},"messages":[{"role":"user","content":[`,
    ...parts.flatMap((part, i) => [
      ...(i === 0 ? [] : [',']),
      ...(typeof part === 'string' ? [textPart(part)] : itemPart(part, true)),
    ]),
    `]}],${JSON.stringify(settings).slice(1)}`,
  ];
  const bytes = pieces.reduce((sum, piece) => sum + Buffer.byteLength(piece), 0);
  return { bytes, chunks: () => joined(pieces) };
}
