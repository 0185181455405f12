/** @typedef {import('./service.js').Frame} Frame */

/** Files that cannot be used, in words for who dropped them. */
export class FileFault extends Error {}

const KINDS = ['image/jpeg', 'image/png', 'image/webp'];
const byName = new Intl.Collator('en', { numeric: true });

/**
 * Image files as frames, in the order of their names: 2.jpg before 10.jpg.
 * @param {File[]} files
 * @returns {Frame[]}
 * @throws FileFault
 */
export function imageFrames(files) {
  const images = files.filter(({ type }) => KINDS.includes(type)).sort((a, b) => byName.compare(a.name, b.name));
  if (images.length === 0) {
    const what =
      files.length === 1
        ? `${files[0]?.name} is no image or video`
        : `None of these ${files.length} files is an image or a video`;
    throw new FileFault(`${what} that this page can read. Choose JPEG, PNG or WebP images, or one video.`);
  }
  return images.map((file) => frameOf(file.name, file));
}

/**
 * The frames of a recorded episode.
 * @param {string[]} addresses
 * @returns {Promise<Frame[]>}
 */
export function recordedFrames(addresses) {
  return Promise.all(
    addresses.map(async (address) => {
      const answer = await fetch(address);
      if (!answer.ok) throw new TypeError(`${address} was answered with HTTP ${answer.status}`);
      return frameOf(address.slice(address.lastIndexOf('/') + 1), await answer.blob());
    }),
  );
}

/** @param {string} name @param {Blob} file @returns {Frame} */
export function frameOf(name, file) {
  return { name, file, url: URL.createObjectURL(file) };
}

/** Lets go of what the browser holds for frames that are shown no more. @param {Frame[]} frames */
export function dropFrames(frames) {
  for (const { url } of frames) URL.revokeObjectURL(url);
}
