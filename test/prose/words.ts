import { readFileSync } from 'node:fs';
import { parse } from 'yaml';

/** A row of words.yml, ready to search with. */
export interface Row {
  write: string;
  patterns: RegExp[];
  everywhere: boolean;
  /** beginnings of paths of files that are not searched */
  except: string[];
  /** what the row must find and must not find */
  finds: string[];
  allows: string[];
}

interface RawRow {
  write: string;
  not: string[];
  finds?: string[];
  allows?: string[];
  everywhere?: boolean;
  except?: string[];
}

/** A phrase that is not used here. */
export interface Find {
  index: number;
  text: string;
  write: string;
}

/** @throws Error for a regular expression that cannot be parsed */
export function readWords(file: string | URL): Row[] {
  const rows = parse(readFileSync(file, 'utf8')) as RawRow[];
  return rows.map(({ write, not, finds = [], allows = [], everywhere = false, except = [] }) => {
    const plain = not.filter((phrase) => !phrase.startsWith('/'));
    return { write, patterns: not.map(patternOf), finds: [...plain, ...finds], allows, everywhere, except };
  });
}

/** A blank in a phrase is any white space: lines of a text break anywhere. */
function patternOf(phrase: string): RegExp {
  const [, expression, flags = 'i'] = /^\/(.*)\/([a-z]*)$/s.exec(phrase) ?? [];
  const source = expression ?? `(?<![\\w-])${phrase.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')}(?![\\w-])`;
  return new RegExp(source.replaceAll(' ', '\\s+'), `g${flags}`);
}

/** @param prose text without code, unless the row is searched everywhere */
export function findWords(rows: readonly Row[], prose: string): Find[] {
  return rows.flatMap(({ write, patterns }) =>
    patterns.flatMap((pattern) =>
      [...prose.matchAll(pattern)].map(({ 0: text, index }) => ({ index, text: text.replace(/\s+/g, ' '), write })),
    ),
  );
}
