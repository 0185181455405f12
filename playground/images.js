/** @typedef {import('./service.js').Frame} Frame */

/** A file that the page cannot use. The message is for the user. */
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
        ? `${files[0]?.name} is not an image or video`
        : `None of these ${files.length} files is an image or video`;
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
      const response = await fetch(address);
      if (!response.ok) throw new TypeError(`Loading ${address} failed with HTTP ${response.status}`);
      return frameOf(address.slice(address.lastIndexOf('/') + 1), await response.blob());
    }),
  );
}

/** @param {string} name @param {Blob} file @returns {Frame} */
export function frameOf(name, file) {
  return { name, file, url: URL.createObjectURL(file) };
}

/** Frees the memory of frames that are no longer shown. @param {Frame[]} frames */
export function releaseFrames(frames) {
  for (const { url } of frames) URL.revokeObjectURL(url);
}
