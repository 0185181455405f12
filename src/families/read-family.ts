import { readdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { TSchema } from 'typebox';
import { Compile } from 'typebox/compile';
import { didYouMean } from '../checking/did-you-mean.ts';
import { findMistakes } from '../checking/mistakes.ts';
import type { Family } from './family.ts';
import { imagesFamily } from './images/family.ts';
import { ImagesProfile, PairsProfile, ProfileFile } from './profile.ts';
import { QWEN3_VL } from './qwen3-vl/family.ts';
import { statementOf } from './statement.ts';

/** The folder of the profiles that come with the service. */
const FOLDER = fileURLToPath(new URL('../../models/profiles/', import.meta.url));
/** A longer file is no profile. */
const MOST_BYTES = 64 * 1024;

const checker = Compile(ProfileFile);
/** By the way that frames are sent, because errors of a union do not say which member was meant. */
const SHAPES: Record<'pairs' | 'images', TSchema> = { pairs: PairsProfile, images: ImagesProfile };

/**
 * Reads the profile of a family of models.
 * @param wanted name of a profile of the service, or the path of a file that ends with .json
 * @throws Error with a message of one line if there is none, or if it is wrong
 */
export async function readFamily(wanted: string): Promise<Family> {
  const isPath = wanted.endsWith('.json');
  if (!isPath) await checkName(wanted);
  const file = isPath ? wanted : `${FOLDER}${wanted}.json`;
  return familyOf(await profileIn(file));
}

/** Names of the profiles that come with the service, in order. */
export async function profileNames(): Promise<string[]> {
  const files = await readdir(FOLDER);
  return files.flatMap((file) => (file.endsWith('.json') ? [file.slice(0, -'.json'.length)] : [])).sort();
}

async function checkName(wanted: string): Promise<void> {
  const names = await profileNames();
  if (names.includes(wanted)) return;
  const meant = didYouMean(wanted, names);
  const advice = meant ? ` Did you mean ${meant}?` : '';
  throw new Error(
    `MODEL_PROFILE=${wanted} is not a profile.${advice} Use ${names.join(', ')}, or the path of a .json file.`,
  );
}

/** @throws Error with a message of one line */
async function profileIn(file: string): Promise<ProfileFile> {
  const fault = (what: string) => new Error(`MODEL_PROFILE: ${file} ${what}`);
  const text = await readFile(file, 'utf8').catch(({ code }: NodeJS.ErrnoException) => {
    throw fault(`cannot be read (${code}).`);
  });
  if (text.length > MOST_BYTES) throw fault(`is longer than ${MOST_BYTES} bytes.`);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw fault('is not JSON.');
  }
  if (!checker.Check(value)) {
    const isPairs = typeof value === 'object' && value !== null && 'frames' in value && value.frames === 'pairs';
    const [mistake] = findMistakes(SHAPES[isPairs ? 'pairs' : 'images'], value, '', 1);
    throw fault(mistake ? `is not a profile: ${mistake.pointer || 'it'} ${mistake.detail}.` : 'is not a profile.');
  }
  const misplaced = 'prompt' in value ? misplacedToken(value.prompt) : undefined;
  if (misplaced) throw fault(`is not a profile: ${misplaced}`);
  return value;
}

/** The token of an image marks where a frame is: it must be there, and nowhere else. */
function misplacedToken({ image, image_token: token, ...others }: Extract<ProfileFile, { prompt: object }>['prompt']) {
  if (!image.includes(token)) return `/prompt/image must have ${token}, the image_token.`;
  const wrong = Object.entries(others).find(([, text]) => text.includes(token));
  return wrong && `/prompt/${wrong[0]} must not have ${token}, the image_token.`;
}

function familyOf(profile: ProfileFile): Family {
  if (profile.frames === 'images') return imagesFamily(profile);
  const { name, verified, statement } = profile;
  return { ...QWEN3_VL, name, verified: verified !== null, statement: statementOf(statement) };
}
