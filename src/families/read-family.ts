import { readdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { createChecker } from '../checking/checker.ts';
import { didYouMean } from '../checking/did-you-mean.ts';
import { ProblemError } from '../problems/problems.ts';
import type { Family } from './family.ts';
import { imagesFamily } from './images/family.ts';
import { ImagesProfile, PairsProfile, type ProfileFile } from './profile.ts';
import { QWEN3_VL } from './qwen3-vl/family.ts';
import { statementOf } from './statement.ts';

/** The folder of the profiles that come with the service. */
const FOLDER = fileURLToPath(new URL('../../models/profiles/', import.meta.url));
/** A longer file is no profile. */
const MOST_CHARACTERS = 64 * 1024;

/** By the way that frames are sent, because errors of a union do not say which member was meant. */
const CHECKERS = { pairs: createChecker(PairsProfile), images: createChecker(ImagesProfile) };

/**
 * Reads the profile of a family of models.
 * @param wanted name of a profile of the service, or the path of a file that ends with .json
 * @throws Error with a message of one line if there is none, or if it is wrong
 */
export async function readFamily(wanted: string): Promise<Family> {
  const isPath = wanted.endsWith('.json');
  if (!isPath) await checkName(wanted);
  const file = isPath ? wanted : `${FOLDER}${wanted}.json`;
  const profile = await profileIn(file);
  // Calibrations and runs are kept apart by the name.
  if (isPath && (await profileNames()).includes(profile.name))
    throw new Error(
      `MODEL_PROFILE: ${file} has the name of a profile of the service, ${profile.name}. Choose another.`,
    );
  return familyOf(profile);
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
  if (text.length > MOST_CHARACTERS) throw fault(`is longer than ${MOST_CHARACTERS} characters.`);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw fault('is not JSON.');
  }
  const profile = checked(value, (mistake) => fault(`is not a profile: ${mistake}.`));
  const mistake = 'prompt' in profile ? (misplacedToken(profile) ?? missingSize(profile)) : markupIn(profile);
  if (mistake) throw fault(`is not a profile: ${mistake}`);
  return profile;
}

/** @param fault makes the error for the first mistake */
function checked(value: unknown, fault: (mistake: string) => Error): ProfileFile {
  const isPairs = typeof value === 'object' && value !== null && 'frames' in value && value.frames === 'pairs';
  try {
    return CHECKERS[isPairs ? 'pairs' : 'images'](value, '');
  } catch (error) {
    throw error instanceof ProblemError ? fault(error.message) : error;
  }
}

/** A control token in the method's text could stand for a frame, or end the turn. */
function markupIn({ statement = '' }: ProfileFile): string | undefined {
  const token = QWEN3_VL.controlTokenIn(statement);
  return token && `/statement must not have ${token}, a control token.`;
}

/** The token of an image marks where a frame is: it must be there, and nowhere else. */
function misplacedToken({ statement = '', prompt: { image, image_token: token, ...others } }: ImagesProfile) {
  if (statement.includes(token)) return `/statement must not have ${token}, the image_token.`;
  if (!image.includes(token)) return `/prompt/image must have ${token}, the image_token.`;
  const wrong = Object.entries(others).find(([, text]) => text.includes(token));
  return wrong && `/prompt/${wrong[0]} must not have ${token}, the image_token.`;
}

/** Requests without a frame size are for `reference`. */
function missingSize({ frame_sizes: sizes }: ImagesProfile): string | undefined {
  return sizes && !sizes.includes('reference')
    ? '/frame_sizes must have `reference`, the default of requests.'
    : undefined;
}

function familyOf(profile: ProfileFile): Family {
  if (profile.frames === 'images') return imagesFamily(profile);
  const { name, verified, statement } = profile;
  return { ...QWEN3_VL, name, verified: verified !== null, statement: statementOf(statement) };
}
