import { address } from './service.js';

/**
 * @typedef {import('./service.js').Episode} Episode
 * @typedef {{ kind: 'recorded', addresses: string[] } | { kind: 'images', names: string[] } | { kind: 'video', archive: string }} Origin
 */

/**
 * The request as a command for bash.
 * @param {Episode} episode
 * @param {Origin} origin of the frames
 * @param {boolean} withKey whether the service requires a key; the command reads it from TOPREWARD_API_KEY
 */
export function curlCommand(episode, origin, withKey) {
  const lines = [
    `curl -sS ${quote(address('v1/rewards'))}`,
    ...(withKey ? ['  -H "Authorization: Bearer $TOPREWARD_API_KEY"'] : []),
    // Unlike -F, --form-string gives no character of the text a special meaning.
    `  --form-string ${quote(`episode=${JSON.stringify(episode)}`)}`,
    ...(origin.kind === 'images' ? origin.names.map((name) => `  -F ${quote(filePart(name))}`) : [ALL_FRAMES]),
  ];
  return [...preparation(origin), lines.join(' \\\n')].join('\n');
}

/** For file names from the service or this page: they hold letters and digits only, and sort in frame order. */
const ALL_FRAMES = "  $(printf -- ' -F frames=@%s' *.jpg)";

/** @param {Origin} origin @returns {string[]} */
function preparation(origin) {
  if (origin.kind === 'images') return ['# Run this in the folder of the frames.'];
  const folder = 'cd "$(mktemp -d)"';
  if (origin.kind === 'video') {
    return [
      '# The API also accepts the video file: -F video=@FILE, without fps. This command sends the frames of this page.',
      '# First save the frames to this folder, with the button above.',
      `archive=$PWD/${origin.archive}`,
      `${folder} && tar -xf "$archive"`,
    ];
  }
  const first = address(/** @type {string} */ (origin.addresses[0]));
  const last = address(/** @type {string} */ (origin.addresses.at(-1)));
  const folderAddress = first.slice(0, first.lastIndexOf('/') + 1);
  const number = (/** @type {string} */ text) => text.slice(folderAddress.length, text.lastIndexOf('.'));
  return [folder, `curl -sSf --remote-name-all ${quote(`${folderAddress}[${number(first)}-${number(last)}].jpg`)}`];
}

/** The value of -F for a file. The quotes allow commas and semicolons in the name. @param {string} name */
function filePart(name) {
  return `frames=@"${name.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
}

/** Quotes a text for a POSIX shell. @param {string} text */
function quote(text) {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
