import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Tokenizer } from '@huggingface/tokenizers';
import { type Static, Type } from 'typebox';
import { Compile } from 'typebox/compile';
import type { FrameSize } from '../../plan/frame-size.ts';
import { ANSWERS, type PromptVariant } from '../../plan/prompt.ts';
import type { AnswerToken } from '../engine.ts';
import { isMarkup } from '../markup.ts';

const Domain = Type.Object({
  words: Type.Array(Type.String()),
  picture: Type.Object({
    side: Type.Integer({ minimum: 1 }),
    mean: Type.Array(Type.Number()),
    distance: Type.Number(),
  }),
  blocks: Type.Integer({ minimum: 1 }),
});

/** What log p means for this model: where success begins, and which range is noise. Nats. */
const Calibration = Type.Object({
  successThreshold: Type.Number({ maximum: 0 }),
  flatBelow: Type.Number({ minimum: 0 }),
});

/** profile.json; docs/embedded.md says what its members mean. */
const Profile = Type.Object({
  format: Type.Literal(1),
  name: Type.String(),
  version: Type.String(),
  about: Type.String(),
  frame: Type.Object({ width: Type.Integer({ minimum: 32 }), height: Type.Integer({ minimum: 32 }) }),
  contextTokens: Type.Integer({ minimum: 1 }),
  calibration: Type.Union([Calibration, Type.Null()]),
  domain: Type.Union([Domain, Type.Null()]),
});

/** The members of config.json that are read here; the graphs hold the rest. */
const Config = Type.Object({
  video_token_id: Type.Integer(),
  vision_config: Type.Object({
    patch_size: Type.Integer({ minimum: 1 }),
    spatial_merge_size: Type.Integer({ minimum: 1 }),
  }),
});

/** The members of tokenizer.json that are read here; the tokenizer reads the rest. */
const TokenizerFile = Type.Object({
  added_tokens: Type.Array(Type.Object({ content: Type.String({ minLength: 1 }), special: Type.Boolean() })),
});

/** What a model was taught, as far as that can be told from a request. */
export type Domain = Static<typeof Domain>;

/** How a block's video tokens lie in the picture. */
export interface VideoGrid {
  rows: number;
  columns: number;
  /** the token's id */
  token: number;
}

/** All of an exported checkpoint but its two graphs. */
export interface Checkpoint {
  name: string;
  version: string;
  about: string;
  frame: FrameSize;
  contextTokens: number;
  calibration: Static<typeof Calibration> | null;
  domain: Domain | null;
  grid: VideoGrid;
  answers: Record<PromptVariant, { true: AnswerToken; false: AnswerToken }>;
  /** Texts that the tokenizer reads as control tokens, wherever they stand. */
  controlTokens: string[];
  /** Ids of a text in which special tokens may stand. */
  encode(text: string): number[];
}

const profileSchema = Compile(Profile);
const configSchema = Compile(Config);
const tokenizerSchema = Compile(TokenizerFile);

/**
 * Reads an exported checkpoint.
 * @throws Error with one line that says what is missing or wrong
 */
export async function readCheckpoint(folder: string): Promise<Checkpoint> {
  const read = async (name: string): Promise<unknown> => JSON.parse(await readFile(join(folder, name), 'utf8'));
  const profile = await read('profile.json').catch(() => {
    throw unfit(folder, 'it has no readable profile.json. Export the checkpoint with models/recipe/export.py');
  });
  if (!profileSchema.Check(profile)) throw unfit(folder, 'its profile.json is not of format 1');
  const { frame, domain } = profile;
  if (domain && domain.picture.mean.length !== domain.picture.side ** 2 * 3)
    throw unfit(folder, 'the mean picture in its profile.json does not have side × side × 3 numbers');
  const config = await read('config.json');
  if (!configSchema.Check(config)) throw unfit(folder, 'its config.json is not a Qwen3-VL’s');
  const square = config.vision_config.patch_size * config.vision_config.spatial_merge_size;
  const tokenizerFile = await read('tokenizer.json');
  if (!tokenizerSchema.Check(tokenizerFile)) throw unfit(folder, 'its tokenizer.json has no readable added_tokens');
  const tokenizer = new Tokenizer(tokenizerFile, (await read('tokenizer_config.json')) as object);
  const added = tokenizerFile.added_tokens.filter(({ content, special }) => special || isMarkup(content));
  const encode = (text: string) => tokenizer.encode(text, { add_special_tokens: false }).ids;
  const single = (text: string): AnswerToken => {
    const ids = encode(text);
    if (ids.length !== 1) throw unfit(folder, `its tokenizer makes ${ids.length} tokens of "${text}"; one is needed`);
    return { text, id: ids[0] as number };
  };
  const pair = (variant: PromptVariant) => ({
    true: single(ANSWERS[variant].true),
    false: single(ANSWERS[variant].false),
  });
  return {
    ...profile,
    grid: { rows: frame.height / square, columns: frame.width / square, token: config.video_token_id },
    answers: { open: pair('open'), chat: pair('chat') },
    controlTokens: added.map(({ content }) => content),
    encode,
  };
}

/** An error about a model folder, in one line. */
export function unfit(folder: string, reason: string): Error {
  return new Error(`The model in ${folder} (MODEL_DIR) cannot be used: ${reason}.`);
}
