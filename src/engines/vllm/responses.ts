import { type Static, type TSchema, Type } from 'typebox';
import { Compile } from 'typebox/compile';
import { findMistakes } from '../../checking/mistakes.ts';

/** One kind of vLLM response. Members that its schema does not name are ignored. */
export interface ResponseKind<Document> {
  /** A larger response is not read. */
  maxBytes: number;
  fits(value: unknown): value is Document;
  /** JSON pointer to a member that does not match the schema. */
  misfit(value: unknown): string;
}

const KiB = 1024;
const MiB = 1024 * KiB;

function responseKind<Schema extends TSchema>(schema: Schema, maxBytes: number): ResponseKind<Static<Schema>> {
  const checker = Compile(schema);
  return {
    maxBytes,
    fits: (value): value is Static<Schema> => checker.Check(value),
    misfit: (value) => findMistakes(schema, value, '', 1)[0]?.pointer ?? '',
  };
}

/** Limit for token counts and token ids: far above every vocabulary and every context. */
const MOST_TOKENS = 1e8;
const count = (minimum: number) => Type.Integer({ minimum, maximum: MOST_TOKENS });
const optional = <Schema extends TSchema>(schema: Schema) => Type.Optional(Type.Union([schema, Type.Null()]));

/** A token has at most this many characters: the longest of real vocabularies have about 130. */
const Text = Type.String({ maxLength: 1000 });
/** One choice with one token is requested, and the log probabilities of at most 128 tokens: vLLM's limit. */
const MOST_ENTRIES = 256;

const TokenIds = Type.Array(count(0));

/** GET /version */
export const VERSION = responseKind(Type.Object({ version: Type.String({ pattern: '^[\\w.+-]{1,100}$' }) }), 64 * KiB);

const Models = Type.Object({
  data: Type.Array(
    Type.Object({
      id: Type.String({ minLength: 1, maxLength: 1000 }),
      // A LoRA adapter has none: it uses the base model's.
      max_model_len: optional(count(1)),
    }),
  ),
});
/** GET /v1/models */
export const MODELS = responseKind(Models, MiB);
/** The response to GET /v1/models. */
export type Models = Static<typeof Models>;

/** POST /tokenize, with `return_token_strs` */
export const TOKENS = responseKind(Type.Object({ tokens: TokenIds, token_strs: optional(Type.Array(Text)) }), 4 * MiB);

/** POST /detokenize. The tokens can be those of an instruction, which has at most 4,000 characters. */
export const TEXT = responseKind(Type.Object({ prompt: Type.String({ maxLength: 8000 }) }), 64 * KiB);

const LogProb = Type.Object({ token: Text, logprob: Type.Number() });
const LogProbEntry = Type.Object({
  ...LogProb.properties,
  top_logprobs: Type.Array(LogProb, { maxItems: MOST_ENTRIES }),
});

const TokenUsage = Type.Object({
  prompt_tokens: count(1),
  prompt_tokens_details: optional(Type.Object({ cached_tokens: optional(count(0)) })),
});
/** Token counts of a response. */
export type TokenUsage = Static<typeof TokenUsage>;

const Completion = Type.Object({
  system_fingerprint: optional(Type.String({ maxLength: 1000 })),
  prompt_token_ids: optional(TokenIds),
  // One entry for each token of the prompt, by its id. The first token has none.
  prompt_logprobs: optional(
    Type.Array(Type.Union([Type.Record(Type.String(), Type.Object({ logprob: Type.Number() })), Type.Null()])),
  ),
  choices: Type.Array(
    Type.Object({
      logprobs: Type.Object({ content: Type.Array(LogProbEntry, { minItems: 1, maxItems: MOST_ENTRIES }) }),
    }),
    { minItems: 1, maxItems: MOST_ENTRIES },
  ),
  usage: TokenUsage,
});
/**
 * POST /v1/chat/completions. The token ids of the longest prompt make the largest response: 8 MiB have a million of them. To parse and check
 * so many takes this process a few hundred milliseconds, in which it does nothing else.
 */
export const COMPLETION = responseKind(Completion, 8 * MiB);
/** The response to POST /v1/chat/completions. */
export type Completion = Static<typeof Completion>;

/** A longer text is not read, in characters. */
const MOST_TEXT = 256 * 1024;

const Generation = Type.Object({
  system_fingerprint: optional(Type.String({ maxLength: 1000 })),
  prompt_token_ids: TokenIds,
  choices: Type.Tuple([
    Type.Object({
      message: Type.Object({ content: Type.String({ maxLength: MOST_TEXT }) }),
      finish_reason: Type.Enum(['stop', 'length']),
    }),
  ]),
  usage: Type.Object({ ...TokenUsage.properties, completion_tokens: count(0) }),
});
/** POST /v1/chat/completions, for a text. The token ids of the prompt are most of it. */
export const GENERATION = responseKind(Generation, 8 * MiB);
/** The response to POST /v1/chat/completions, for a text. */
export type Generation = Static<typeof Generation>;

/** The body of vLLM's own error responses. A router's error responses do not have this form. */
export const ERROR = responseKind(Type.Object({ error: Type.Object({ message: Type.String() }) }), 64 * KiB);
