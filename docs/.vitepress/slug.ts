/**
 * The anchor of a heading, as git hosts make it: the same links work there and on the site.
 * @param heading its text without markup
 */
export function slugOf(heading: string): string {
  return heading
    .trim()
    .toLowerCase()
    .replace(/[^\p{L}\p{M}\p{N}\p{Pc}\- ]/gu, '')
    .replaceAll(' ', '-');
}
