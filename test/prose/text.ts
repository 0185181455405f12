import type { TxtNode } from '@textlint/ast-node-types';

/** Stands for a character that is no prose. It is no letter, so that it ends words. */
export const BLANK = '\uFFFC';

/**
 * The source of a paragraph, a heading or a cell, as long as before, with everything but its words replaced: code, HTML, and
 * the addresses of links.
 */
export function proseOf(source: string, node: TxtNode): string {
  const [start] = node.range;
  const characters = [...source].length === source.length ? source.split('') : Array.from({ length: source.length }, (_, i) => source.charAt(i));
  const kept = new Array<boolean>(source.length).fill(false);
  const visit = (child: TxtNode): void => {
    if (child.type === 'Str') kept.fill(true, child.range[0] - start, child.range[1] - start);
    for (const inner of ('children' in child ? (child.children as TxtNode[]) : [])) visit(inner);
  };
  visit(node);
  return characters.map((character, i) => (kept[i] || /\s/.test(character) ? character : BLANK)).join('');
}
