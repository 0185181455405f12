import { parse as parseYaml } from 'yaml';
import { completeJson } from './compare.ts';
import type { CodeBlock, Page } from './markdown.ts';

/** Languages of code that a reader executes. */
const PROGRAMS = ['sh', 'bash', 'python', 'ts', 'js', 'java', 'go'];
/** Those that the tests can execute. */
const RUNNABLE = ['sh', 'bash', 'python', 'ts', 'js'];
const OUTPUTS = ['text', 'json', 'jsonl'];

/** Something to do for a page, in the order of the page. */
export type Step =
  | { does: 'run'; line: number; lang: string; code: string; exit: number }
  /** Commands that readers do not see. */
  | { does: 'setup'; line: number; code: string }
  | { does: 'save'; line: number; file: string; code: string }
  /** Starts another service with these variables. */
  | { does: 'serve'; line: number; env: Record<string, string> }
  /** Compares what the last run printed. */
  | { does: 'compare'; line: number; lang: string; expected: string };

/** What the tests do for a page. */
export interface Script {
  steps: Step[];
  /** programs that are not executed, and why */
  notRun: { line: number; lang: string; reason: string }[];
  /** mistakes in the blocks: each is a line of text with the page and the line number */
  faults: string[];
}

/**
 * Reads the code blocks and the comments of a page. docs/reference/testing.md describes the convention.
 */
export function scriptOf(page: Page): Script {
  const script: Script = { steps: [], notRun: [], faults: [] };
  const fault = (line: number, text: string) => script.faults.push(`${page.file}:${line}: ${text}`);
  for (const block of page.blocks) readBlock(block, script, (text) => fault(block.line, text));
  for (const { line, text } of page.html) {
    const [, kind, rest = ''] = /^<!--\s*(setup|service:)\s([\s\S]*)-->$/.exec(text.trim()) ?? [];
    if (kind === 'setup') script.steps.push({ does: 'setup', line, code: rest });
    if (kind === 'service:') script.steps.push({ does: 'serve', line, env: variablesOf(rest.split(/\s+/)) });
  }
  script.steps.sort((a, b) => a.line - b.line);
  let hasRun = false;
  for (const { does, line } of script.steps) {
    if (does === 'run') hasRun = true;
    if (does === 'compare' && !hasRun) fault(line, 'no `run` block before this output');
  }
  return script;
}

function readBlock({ line, lang, meta, code }: CodeBlock, script: Script, fault: (text: string) => void): void {
  if (!lang) {
    fault('a code block without a language: use a fence, ```sh for commands, ```text for what they print');
    return;
  }
  const { words, values } = attributesOf(meta);
  const known = ['run', 'output', 'exit', 'file', 'no-run'];
  for (const name of [...words, ...values.keys()])
    if (!known.includes(name)) fault(`unknown word "${name}" after \`\`\`${lang}`);
  const [exit, file, reason] = ['exit', 'file', 'no-run'].map((name) => values.get(name));
  const isRun = words.includes('run');
  const choices = [isRun, file !== undefined, reason !== undefined].filter(Boolean).length;
  if (PROGRAMS.includes(lang) && choices !== 1) fault(`\`\`\`${lang} needs one of: run, file="…", no-run="the reason"`);
  if (isRun && !RUNNABLE.includes(lang)) fault(`the tests cannot run ${lang}: write no-run="the reason"`);
  if (isRun) script.steps.push({ does: 'run', line, lang, code, exit: Number(exit ?? 0) });
  if (file !== undefined) script.steps.push({ does: 'save', line, file, code });
  if (reason !== undefined) script.notRun.push({ line, lang, reason });
  if (words.includes('output')) {
    if (OUTPUTS.includes(lang)) script.steps.push({ does: 'compare', line, lang, expected: code });
    else fault(`output is one of ${OUTPUTS.join(', ')}`);
  }
  const mistake = mistakeIn(lang, code);
  if (mistake) fault(mistake);
}

/** `run exit=1 no-run="needs a GPU"`, read. */
function attributesOf(meta: string): { words: string[]; values: Map<string, string> } {
  const words: string[] = [];
  const values = new Map<string, string>();
  for (const [, name = '', quoted, bare] of meta.matchAll(/([^\s=]+)(?:="([^"]*)"|=(\S+))?/g)) {
    const value = quoted ?? bare;
    if (value === undefined) words.push(name);
    else values.set(name, value);
  }
  return { words, values };
}

/** @returns what is wrong with JSON or YAML, undefined for text that can be parsed */
function mistakeIn(lang: string, code: string): string | undefined {
  try {
    if (lang === 'json') JSON.parse(completeJson(code));
    if (lang === 'jsonl')
      for (const line of code.split('\n')) if (!['', '…'].includes(line.trim())) JSON.parse(completeJson(line));
    if (lang === 'yaml' && !code.includes('…')) parseYaml(code);
    return undefined;
  } catch (error) {
    return `not valid ${lang}: ${(error as Error).message.split('\n')[0]}`;
  }
}

/** @param pairs `NAME=value` */
export function variablesOf(pairs: string[]): Record<string, string> {
  return Object.fromEntries(
    pairs
      .filter((pair) => pair.includes('='))
      .map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]),
  );
}
