import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Tokenizer } from '@huggingface/tokenizers';
import { Type } from 'typebox';
import { Compile } from 'typebox/compile';
import type { Token } from '../../../schemas/reward.ts';
import { isMarkup } from '../../engine/markup.ts';
import { CheckpointProfile } from '../../engine/served-model.ts';

/** The members of config.json that the service reads. The graphs contain the rest. */
const Config = Type.Object({
  video_token_id: Type.Integer(),
  text_config: Type.Object({ vocab_size: Type.Integer({ minimum: 1 }) }),
  vision_config: Type.Object({
    patch_size: Type.Integer({ minimum: 1 }),
    spatial_merge_size: Type.Integer({ minimum: 1 }),
  }),
});

/** The members of tokenizer.json that the service reads itself. The tokenizer reads the rest. */
const TokenizerFile = Type.Object({
  added_tokens: Type.Array(Type.Object({ content: Type.String({ minLength: 1 }), special: Type.Boolean() })),
});

/** The grid of a block's video tokens over the frame. */
export interface VideoGrid {
  rows: number;
  columns: number;
  /** id of the video token */
  token: number;
}

/** An exported checkpoint, except its two graphs. */
export interface Checkpoint extends Omit<CheckpointProfile, 'format'> {
  grid: VideoGrid;
  /** Texts that the tokenizer reads as control tokens, anywhere in a text. */
  controlTokens: string[];
  /** Tokenizes a text that may contain special tokens. */
  encode(text: string): number[];
  /** number of tokens for which the model has a probability */
  vocabulary: number;
  /** The text of some tokens. Bytes that are not valid UTF-8 on their own become U+FFFD. */
  textOf(ids: number[]): string;
  /** Returns the token of an answer. @throws Error if the text is not one token */
  answer(text: string): Token;
}

const profileSchema = Compile(CheckpointProfile);
const configSchema = Compile(Config);
const tokenizerSchema = Compile(TokenizerFile);
const tokenizerConfigSchema = Compile(Type.Object({}));

/**
 * Reads an exported checkpoint.
 * @throws Error with a message of one line that says what is missing or wrong
 */
export async function readCheckpoint(folder: string): Promise<Checkpoint> {
  const read = async (name: string): Promise<unknown> => JSON.parse(await readFile(join(folder, name), 'utf8'));
  const profile = await read('profile.json').catch(() => {
    throw unfit(folder, 'it has no readable profile.json. Export the checkpoint with models/recipe/export.py');
  });
  if (!profileSchema.Check(profile))
    throw unfit(folder, 'its profile.json does not have format 1. Export the checkpoint with models/recipe/export.py');
  const { frame, domain } = profile;
  if (domain && domain.picture.mean.length !== domain.picture.side ** 2 * 3)
    throw unfit(folder, 'picture.mean in its profile.json must have side × side × 3 numbers');
  const config = await read('config.json');
  if (!configSchema.Check(config)) throw unfit(folder, 'its config.json is not the configuration of a Qwen3-VL model');
  const square = config.vision_config.patch_size * config.vision_config.spatial_merge_size;
  const tokenizerFile = await read('tokenizer.json');
  if (!tokenizerSchema.Check(tokenizerFile)) throw unfit(folder, 'its tokenizer.json has no readable added_tokens');
  const tokenizerConfig = await read('tokenizer_config.json');
  if (!tokenizerConfigSchema.Check(tokenizerConfig)) throw unfit(folder, 'its tokenizer_config.json is not an object');
  const tokenizer = new Tokenizer(tokenizerFile, tokenizerConfig);
  const added = tokenizerFile.added_tokens.filter(({ content, special }) => special || isMarkup(content));
  const encode = (text: string) => tokenizer.encode(text, { add_special_tokens: false }).ids;
  const answer = (text: string): Token => {
    const ids = encode(text);
    const [id, ...more] = ids;
    if (id === undefined || more.length > 0)
      throw unfit(folder, `its tokenizer makes ${ids.length} tokens of "${text}", but must make one`);
    return { text, id };
  };
  return {
    ...profile,
    grid: { rows: frame.height / square, columns: frame.width / square, token: config.video_token_id },
    controlTokens: added.map(({ content }) => content),
    vocabulary: config.text_config.vocab_size,
    encode,
    textOf: (ids) => tokenizer.decode(ids, { skip_special_tokens: false, clean_up_tokenization_spaces: false }),
    answer,
  };
}

/** Makes an error about a model folder, with a message of one line. @param reason a clause without a final full stop */
export function unfit(folder: string, reason: string): Error {
  return new Error(`The model in ${folder} (MODEL_DIR) cannot be used: ${reason}.`);
}
