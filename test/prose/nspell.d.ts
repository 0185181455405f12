/** The part of nspell that the prose linter uses. The package has no types. */
declare module 'nspell' {
  interface Speller {
    correct(word: string): boolean;
    add(word: string): void;
  }
  export default function nspell(aff: Uint8Array, dic: Uint8Array): Speller;
}
