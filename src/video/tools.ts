import { execFile } from 'node:child_process';
import { access, constants } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import { promisify } from 'node:util';

/** The programs that read videos. */
export interface VideoTools {
  ffmpeg: string;
  ffprobe: string;
  /** of ffmpeg, as it says itself */
  version: string;
}

const run = promisify(execFile);

/** Oldest version whose options are used here. */
const OLDEST = 5.1;

/**
 * Looks for ffmpeg and ffprobe, side by side, and asks for the version.
 * @param folders absolute paths, the first with both counts
 * @returns undefined where there are none, or they do not run, or are older than 5.1
 */
export async function findVideoTools(folders: readonly string[]): Promise<VideoTools | undefined> {
  for (const folder of folders.filter(isAbsolute)) {
    const tools = { ffmpeg: join(folder, 'ffmpeg'), ffprobe: join(folder, 'ffprobe') };
    const found = await Promise.all(Object.values(tools).map(runs));
    if (!found.every(Boolean)) continue;
    const version = await versionOf(tools.ffmpeg);
    // Builds between releases have a name instead of a number, and are newer.
    if (version === undefined || Number.parseFloat(version) < OLDEST) return undefined;
    return { ...tools, version };
  }
  return undefined;
}

async function runs(file: string): Promise<boolean> {
  return access(file, constants.X_OK).then(
    () => true,
    () => false,
  );
}

async function versionOf(ffmpeg: string): Promise<string | undefined> {
  const { stdout } = await run(ffmpeg, ['-version'], { env: {}, timeout: 10_000 }).catch(() => ({ stdout: '' }));
  return /^ffmpeg version (\S+)/.exec(stdout)?.[1];
}
