/** The version that ffmpeg reports. */
interface FfmpegVersion {
  /** version text, unchanged */
  name: string;
  /** versions of the libraries that it runs with, by library name */
  libraries: ReadonlyMap<string, Numbers>;
}

type Numbers = readonly [major: number, minor: number];

/** The oldest release that has all options used here, and the versions of its libraries. */
const OLDEST: Numbers = [5, 1];
const OLDEST_LIBRARIES: [name: string, version: Numbers][] = [
  ['libavutil', [57, 28]],
  ['libavcodec', [59, 37]],
];

/** Parses the output of `ffmpeg -version`. @returns undefined if it is not such an output */
export function parseVersion(output: string): FfmpegVersion | undefined {
  const name = /^ffmpeg version (\S+)/.exec(output)?.[1];
  if (name === undefined) return undefined;
  // "libavutil      57. 28.100 / 57. 28.100": the version at build time, and the version at run time.
  const libraries = new Map<string, Numbers>();
  for (const [, library, major, minor] of output.matchAll(/^(lib\w+) .*\/ *(\d+)\. *(\d+)\. *\d+ *$/gm))
    if (library !== undefined) libraries.set(library, [Number(major), Number(minor)]);
  return { name, libraries };
}

/**
 * Tells whether ffmpeg is 5.1 or newer. Releases have a number (`5.1.2`, `n7.0.1-static`). Other builds have the name
 * of their commit (`N-113007-g8d24a28d06`) or any name, so the versions of their libraries decide.
 */
export function isNewEnough({ name, libraries }: FfmpegVersion): boolean {
  const release = /^n?(\d{1,2})\.(\d+)/.exec(name);
  if (release) return isAtLeast([Number(release[1]), Number(release[2])], OLDEST);
  return OLDEST_LIBRARIES.every(([library, oldest]) => isAtLeast(libraries.get(library) ?? [0, 0], oldest));
}

function isAtLeast([major, minor]: Numbers, [oldMajor, oldMinor]: Numbers): boolean {
  return major > oldMajor || (major === oldMajor && minor >= oldMinor);
}
