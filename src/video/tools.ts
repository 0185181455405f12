import { execFile } from 'node:child_process';
import { access, constants } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import { promisify } from 'node:util';
import { limitedCommand } from './process.ts';
import { isNewEnough, parseVersion } from './version.ts';

/** The programs that read videos. */
export interface VideoTools {
  ffmpeg: string;
  ffprobe: string;
  /** version of ffmpeg, as it reports it */
  version: string;
  /** path of prlimit (util-linux), which limits memory; undefined if it is missing, as on macOS, or not permitted */
  prlimit: string | undefined;
}

const run = promisify(execFile);
const TIMEOUT_S = 10;

/**
 * Finds ffmpeg and ffprobe in one folder, and reads the version of ffmpeg.
 * @param folders absolute paths; the first one that contains both programs is used
 * @param path folders in which to look for prlimit
 * @param memoryBytes memory limit that prlimit must be able to set
 * @returns undefined if the programs are missing, do not run, or are older than 5.1
 */
export async function findVideoTools(
  folders: readonly string[],
  path: readonly string[],
  memoryBytes: number,
): Promise<VideoTools | undefined> {
  const folder = await firstWith(folders, ['ffmpeg', 'ffprobe']);
  if (folder === undefined) return undefined;
  const tools = { ffmpeg: join(folder, 'ffmpeg'), ffprobe: join(folder, 'ffprobe') };
  const limiting = await firstWith(path, ['prlimit']);
  // If the container has a lower limit, prlimit fails. Then try without it: the container's own limit applies.
  for (const prlimit of limiting === undefined ? [undefined] : [join(limiting, 'prlimit'), undefined]) {
    const command = limitedCommand(tools.ffmpeg, ['-version'], { prlimit, memoryBytes, timeoutS: TIMEOUT_S });
    const version = parseVersion(await outputOf(...command));
    if (version) return isNewEnough(version) ? { ...tools, version: version.name, prlimit } : undefined;
  }
  return undefined;
}

/** Finds the first folder that contains all of these programs. */
async function firstWith(folders: readonly string[], names: string[]): Promise<string | undefined> {
  for (const folder of folders.filter(isAbsolute)) {
    const found = await Promise.all(names.map((name) => runs(join(folder, name))));
    if (found.every(Boolean)) return folder;
  }
  return undefined;
}

async function runs(file: string): Promise<boolean> {
  return access(file, constants.X_OK).then(
    () => true,
    () => false,
  );
}

async function outputOf(file: string, args: string[]): Promise<string> {
  const { stdout } = await run(file, args, { env: {}, timeout: TIMEOUT_S * 1000 }).catch(() => ({ stdout: '' }));
  return stdout;
}
