import type { PromptLayout, PromptVariant } from '../../../schemas/enumerations.ts';
import type { Family } from '../../families/family.ts';
import { profileNames, readFamily } from '../../families/read-family.ts';
import { EngineFault } from './faults.ts';
import { controlTokenIn, createTextsByTokens, type TokenSource, textOf, tokenIdsOf, tokenize } from './tokenizer.ts';
import { collapsePads, isSamePrompt, type Vocabulary } from './vocabulary.ts';

/** Start of a video in the markup of pairs. */
const VIDEO_START = '<|vision_start|>';

/**
 * Finds the tokens that mark frames in a prompt.
 * @throws EngineFault refused, if the model's tokenizer does not have them, with the profiles whose tokens it has
 */
export async function vocabularyOf(family: Family, source: TokenSource): Promise<Vocabulary> {
  const { blockToken, imageToken, media, name } = family;
  const { client, model, signal } = source;
  const texts = media === 'video' ? [blockToken, imageToken, VIDEO_START] : [blockToken, imageToken];
  const found = await Promise.all(texts.map((text) => tokenize(text, client, model, signal)));
  const missing = found.findIndex(({ length }) => length !== 1);
  if (missing >= 0) {
    const lack = `The model's tokenizer has no token ${texts[missing]}, so this is not a model of the profile ${name}.`;
    const others = await otherProfiles(family, source);
    const none = 'No profile of this service fits it: docs/models.md says how to write one.';
    throw new EngineFault('refused', `${lack} ${others || none}`);
  }
  if ((await controlTokenIn(`Look: ${blockToken}!`, client, model, signal)) !== blockToken)
    throw new EngineFault('refused', `The model's tokenizer does not read ${blockToken} in a text as one token.`);
  const [blockPad = -1, imagePad = -1, videoStart] = found.flat();
  return { blockPad, imagePad, videoStart };
}

/** What the probe compares to find the layout of a prompt. */
interface LayoutSearch {
  /** token ids of the prompt that the model received */
  seen: number[];
  prompt: PromptVariant;
  family: Family;
  vocabulary: Vocabulary;
  /** tokenizes the prompt of the profile in a layout */
  tokensOf(layout: PromptLayout): Promise<number[]>;
  source: TokenSource;
}

/**
 * Compares the token ids of a prompt with those of each layout's text, token for token.
 * @throws EngineFault refused, if they match no layout, with the first difference
 */
export async function findLayout({
  seen,
  prompt,
  family,
  vocabulary,
  tokensOf,
  source,
}: LayoutSearch): Promise<PromptLayout> {
  const { blockPad } = vocabulary;
  let difference = '';
  for (const layout of family.layouts) {
    const expected = await tokensOf(layout);
    if (isSamePrompt(seen, expected, blockPad)) return layout;
    difference ||= await differenceOf(collapsePads(seen, blockPad), collapsePads(expected, blockPad), source);
  }
  const advice =
    family.media === 'video'
      ? 'Start vLLM with --chat-template docker/vllm/chat_template.jinja.'
      : 'Start vLLM with the chat template of the model, or write a profile of your own (docs/models.md).';
  throw new EngineFault(
    'refused',
    `The ${prompt} prompt is not that of the profile ${family.name}: ${difference} ${advice} ${await otherProfiles(family, source)}`.trim(),
  );
}

/** Tokens that a message shows from the first difference on. */
const SHOWN = 6;
/** Most characters of their text. An engine may send any text. */
const MOST_SHOWN = 80;

async function differenceOf(
  received: number[],
  expected: number[],
  { client, model, signal }: TokenSource,
): Promise<string> {
  const at = received.findIndex((id, i) => id !== expected[i]);
  const place = at < 0 ? received.length : at;
  const texts = createTextsByTokens();
  const textAt = async (ids: number[]) => {
    const some = ids.slice(place, place + SHOWN);
    if (some.length === 0) return 'nothing';
    return JSON.stringify((await textOf(some, { client, model, texts, signal })).slice(0, MOST_SHOWN).toWellFormed());
  };
  return `from token ${place} on the model receives ${await textAt(received)}, and the profile has ${await textAt(expected)}.`;
}

/** Names the other profiles whose token for a block the model's tokenizer has. @returns an empty text if there are none */
async function otherProfiles(family: Family, source: TokenSource): Promise<string> {
  const fitting: string[] = [];
  for (const name of await profileNames()) {
    const other = await readFamily(name);
    const ids = await tokenIdsOf(other.blockToken, source);
    if (name !== family.name && ids.length === 1) fitting.push(name);
  }
  return fitting.length === 0
    ? ''
    : `Its tokenizer has the tokens of these values of MODEL_PROFILE: ${fitting.join(', ')}.`;
}
