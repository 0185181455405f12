import { address } from './service.js';

/**
 * @typedef {import('./service.js').EpisodeQuestion} EpisodeQuestion
 * @typedef {{ kind: 'recorded', addresses: string[] } | { kind: 'images', names: string[] } | { kind: 'video', archive: string }} Origin
 */

/**
 * The request as a command for bash.
 * @param {EpisodeQuestion} question
 * @param {Origin} origin of the frames
 * @param {boolean} withKey whether the service asks for a key; it is read from TOPREWARD_API_KEY
 */
export function curlCommand(question, origin, withKey) {
  const lines = [
    `curl -sS ${quote(address('v1/rewards'))}`,
    ...(withKey ? ['  -H "Authorization: Bearer $TOPREWARD_API_KEY"'] : []),
    // --form-string, unlike -F, reads nothing into the text.
    `  --form-string ${quote(`episode=${JSON.stringify(question)}`)}`,
    ...(origin.kind === 'images' ? origin.names.map((name) => `  -F ${quote(filePart(name))}`) : [ALL_FRAMES]),
  ];
  return [...preparation(origin), lines.join(' \\\n')].join('\n');
}

/** Names made by the service and by this page: digits and letters, in order. */
const ALL_FRAMES = "  $(printf -- ' -F frames=@%s' *.jpg)";

/** @param {Origin} origin @returns {string[]} */
function preparation(origin) {
  if (origin.kind === 'images') return ['# in the folder that holds the frames'];
  const folder = 'cd "$(mktemp -d)"';
  if (origin.kind === 'video') {
    return ['# Save the frames first, here.', `archive=$PWD/${origin.archive}`, `${folder} && tar -xf "$archive"`];
  }
  const first = address(/** @type {string} */ (origin.addresses[0]));
  const last = address(/** @type {string} */ (origin.addresses.at(-1)));
  const folderAddress = first.slice(0, first.lastIndexOf('/') + 1);
  const number = (/** @type {string} */ text) => text.slice(folderAddress.length, text.lastIndexOf('.'));
  return [folder, `curl -sSf --remote-name-all ${quote(`${folderAddress}[${number(first)}-${number(last)}].jpg`)}`];
}

/** What -F reads for a file: its name in quotes, which may hold commas and semicolons. @param {string} name */
function filePart(name) {
  return `frames=@"${name.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
}

/** One word for a POSIX shell, whatever is in it. @param {string} text */
function quote(text) {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
