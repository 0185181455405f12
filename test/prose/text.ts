/** Stands for a character that is no prose. It is not a letter, so it ends words. */
const BLANK = '\uFFFC';

/** A node of a text that textlint has parsed. */
export interface TextNode {
  type: string;
  range: readonly [number, number];
  children?: TextNode[];
}

/**
 * A paragraph, a heading or a table cell as prose: code, HTML and the addresses of links are blanked out. Positions stay
 * the same.
 * @param source the node as it is written
 */
export function proseOf(source: string, node: TextNode): string {
  const prose = BLANK.repeat(source.length).split('');
  const [start] = node.range;
  const visit = ({ type, range: [from, to], children = [] }: TextNode): void => {
    if (type === 'Str') prose.splice(from - start, to - from, ...source.slice(from - start, to - start).split(''));
    for (const child of children) visit(child);
  };
  visit(node);
  return prose.join('');
}

/** @returns the sentences of a prose and where they start */
export function sentencesOf(prose: string): { index: number; words: number }[] {
  const segmenter = new Intl.Segmenter('en', { granularity: 'sentence' });
  return [...segmenter.segment(prose)].map(({ segment, index }) => ({
    index: index + segment.length - segment.trimStart().length,
    words: segment.split(/\s+/).filter((word) => /[\p{L}\p{N}\uFFFC]/u.test(word)).length,
  }));
}
