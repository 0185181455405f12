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
  /** of ffmpeg, as it says itself */
  version: string;
  /** util-linux's program that limits memory; undefined where there is none, as on macOS, or it may not */
  prlimit: string | undefined;
}

const run = promisify(execFile);
const TIMEOUT_S = 10;

/**
 * Looks for ffmpeg and ffprobe, side by side, and asks for the version.
 * @param folders absolute paths, the first with both counts
 * @param path folders of prlimit
 * @param memoryBytes that prlimit must be able to set
 * @returns undefined where there are none, or they do not run, or are older than 5.1
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
  // Where a container allows less than is asked for, prlimit fails and the container's own limit holds.
  for (const prlimit of limiting === undefined ? [undefined] : [join(limiting, 'prlimit'), undefined]) {
    const command = limitedCommand(tools.ffmpeg, ['-version'], { prlimit, memoryBytes, timeoutS: TIMEOUT_S });
    const version = parseVersion(await outputOf(...command));
    if (version) return isNewEnough(version) ? { ...tools, version: version.name, prlimit } : undefined;
  }
  return undefined;
}

/** The first folder that has all of these programs. */
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
