import type { components } from './topreward.d.ts';

/**
 * Makes the form of `POST /v1/rewards`. The generated types describe a file of a form as a string.
 * @param files frames as JPEG, PNG or WebP
 */
export function form(episode: components['schemas']['Episode'], files: Uint8Array<ArrayBuffer>[]): FormData {
  const data = new FormData();
  data.set('episode', JSON.stringify(episode));
  for (const file of files) data.append('frames', new Blob([file]));
  return data;
}
