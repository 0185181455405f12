import { readFileSync } from 'node:fs';
import type { TextlintKernelRule, TextlintRuleModule } from '@textlint/kernel';
import dictionary from 'dictionary-en-gb';
import nspell from 'nspell';
import { proseOf, sentencesOf, type TextNode } from './text.ts';
import { findWords, readWords } from './words.ts';

/** Words in a sentence, code counting as one. The median is half of it; steps and definitions reach it. */
const MOST_WORDS = 30;

const ROWS = readWords(new URL('words.yml', import.meta.url));

/** A rule that reports what it finds in each paragraph, heading and table cell. */
const proseRule =
  (find: (prose: string, file: string) => { index: number; message: string }[]): TextlintRuleModule =>
  (context) => {
    const check = (node: unknown) => {
      const prose = proseOf(context.getSource(node as never), node as TextNode);
      for (const { index, message } of find(prose, context.getFilePath() ?? ''))
        context.report(node as never, new context.RuleError(message, { padding: context.locator.at(index) }));
    };
    return { Paragraph: check, Header: check, TableCell: check };
  };

const words = proseRule((prose, file) =>
  findWords(
    ROWS.filter(({ everywhere, except }) => !everywhere && !except.some((path) => file.startsWith(path))),
    prose,
  ).map(({ index, text, write }) => ({ index, message: `"${text}": write ${write}` })),
);

/** Names that have changed, in code too. */
const oldNames: TextlintRuleModule = (context) => ({
  Document(node) {
    const rows = ROWS.filter(({ everywhere }) => everywhere);
    for (const { index, text, write } of findWords(rows, context.getSource(node)))
      context.report(node, new context.RuleError(`"${text}" is now ${write}`, { padding: context.locator.at(index) }));
  },
});

const sentences = proseRule((prose) =>
  sentencesOf(prose)
    .filter(({ words }) => words > MOST_WORDS)
    .map(({ index, words }) => ({ index, message: `a sentence of ${words} words; at most ${MOST_WORDS}` })),
);

const speller = nspell(Buffer.from(dictionary.aff), Buffer.from(dictionary.dic));
for (const word of readFileSync(new URL('spelling.txt', import.meta.url), 'utf8').split('\n'))
  if (word && !word.startsWith('#')) speller.add(word);

/** Paths, file names, identifiers, abbreviations and symbols are in no dictionary. */
const isName = (word: string) => /[\p{N}_./:@\p{Script=Greek}]|^\p{Lu}{2,}s?$/u.test(word);

/** Whether a word is spelt right, or each part of a word with hyphens. */
const isSpelt = (word: string) =>
  speller.correct(word) || word.split('-').every((part) => part.length < 2 || isName(part) || speller.correct(part));

const spelling = proseRule((prose) =>
  [...prose.matchAll(/[\p{L}\p{N}_]+(?:[-.'’@/:]+[\p{L}\p{N}_]+)*/gu)]
    .map(({ 0: text, index }) => ({ index, word: text.replaceAll('’', "'").replace(/'s?$/, '') }))
    .filter(({ word }) => !isName(word) && !isSpelt(word))
    .map(({ index, word }) => ({ index, message: `"${word}" is not in the dictionary or in test/prose/spelling.txt` })),
);

const rule = (ruleId: string, rule: TextlintRuleModule): TextlintKernelRule => ({ ruleId, rule });

const CHANGELOG = [rule('words', words), rule('sentences', sentences), rule('spelling', spelling)];

/** The rules for each kind of text. */
export const RULES = {
  page: [...CHANGELOG, rule('old-names', oldNames)],
  /** Tells of old names. */
  changelog: CHANGELOG,
  /** Comments and messages: they name many things that are in no dictionary. */
  comment: [rule('words', words), rule('sentences', sentences), rule('old-names', oldNames)],
} satisfies Record<string, TextlintKernelRule[]>;

export type Kind = keyof typeof RULES;
