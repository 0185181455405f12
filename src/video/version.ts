/** What ffmpeg says of itself. */
export interface FfmpegVersion {
  /** as it is written */
  name: string;
  /** of the libraries that it runs with, major and minor, by name */
  libraries: ReadonlyMap<string, Numbers>;
}

type Numbers = readonly [major: number, minor: number];

/** The oldest release whose options are used here, and the libraries that came with it. */
const OLDEST: Numbers = [5, 1];
const OLDEST_LIBRARIES: [name: string, version: Numbers][] = [
  ['libavutil', [57, 28]],
  ['libavcodec', [59, 37]],
];

/** @param output of `ffmpeg -version` @returns undefined where it is none */
export function parseVersion(output: string): FfmpegVersion | undefined {
  const name = /^ffmpeg version (\S+)/.exec(output)?.[1];
  if (name === undefined) return undefined;
  // "libavutil      57. 28.100 / 57. 28.100": what it was built with, and what it found.
  const libraries = new Map<string, Numbers>();
  for (const [, library, major, minor] of output.matchAll(/^(lib\w+) .*\/ *(\d+)\. *(\d+)\. *\d+ *$/gm))
    libraries.set(library as string, [Number(major), Number(minor)]);
  return { name, libraries };
}

/**
 * Whether it is 5.1 or newer. Releases are numbered (`5.1.2`, `n7.0.1-static`); builds between them are named by their commit
 * (`N-113007-g8d24a28d06`) or as their maker likes, and tell their age by their libraries.
 */
export function isNewEnough({ name, libraries }: FfmpegVersion): boolean {
  const release = /^n?(\d{1,2})\.(\d+)/.exec(name);
  if (release) return isAtLeast([Number(release[1]), Number(release[2])], OLDEST);
  return OLDEST_LIBRARIES.every(([library, oldest]) => isAtLeast(libraries.get(library) ?? [0, 0], oldest));
}

function isAtLeast([major, minor]: Numbers, [oldMajor, oldMinor]: Numbers): boolean {
  return major > oldMajor || (major === oldMajor && minor >= oldMinor);
}
