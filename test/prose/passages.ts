import ts from 'typescript';
import { isScalar, parseDocument, visit as visitYaml } from 'yaml';

/** Lines of prose in a file that is not prose. */
export interface Passage {
  /** of the first line, from 1 */
  line: number;
  lines: string[];
}

/** Keys of openapi.yaml whose values people read. */
const PROSE_KEYS = ['summary', 'description', 'title'];

/** The prose of a file, by the end of its name; undefined for files without any. */
export function passagesOf(file: string, text: string): Passage[] {
  if (/\.(ts|js|mjs)$/.test(file)) return [...scriptComments(text), ...(hasMessages(file) ? messages(text) : [])];
  if (file.endsWith('.py')) return pythonComments(text);
  if (file.endsWith('.yaml')) return descriptions(text);
  if (file.endsWith('.html')) return visibleText(text);
  if (file.endsWith('.css')) return blockComments(text);
  return lineComments(text);
}

/** Strings of tests are data; those of the service and of its pages are read. */
const hasMessages = (file: string) => /^(src|routes|schemas|playground|examples)\//.test(file);

/** Comments of TypeScript or JavaScript. */
export function scriptComments(text: string): Passage[] {
  const source = ts.createSourceFile('source.ts', text, ts.ScriptTarget.Latest, false);
  const comments = new Map<number, number>();
  const visit = (node: ts.Node): void => {
    const ranges = [
      ...(ts.getLeadingCommentRanges(text, node.getFullStart()) ?? []),
      ...(ts.getTrailingCommentRanges(text, node.end) ?? []),
    ];
    for (const { pos, end } of ranges) comments.set(pos, end);
    for (const child of node.getChildren(source)) if (!isJsDoc(child)) visit(child);
  };
  visit(source);
  const starts = [...comments.keys()].sort((a, b) => a - b);
  const found = starts.map((from) => passageAt(text, from, text.slice(from, comments.get(from))));
  return joinLines(found).map(withoutMarks);
}

const isJsDoc = ({ kind }: ts.Node) => kind >= ts.SyntaxKind.FirstJSDocNode && kind <= ts.SyntaxKind.LastJSDocNode;

/** A passage that is a piece of a text. */
function passageAt(text: string, from: number, piece: string): Passage {
  return { line: text.slice(0, from).split('\n').length, lines: piece.split('\n') };
}

/** Comments on consecutive lines are one. */
function joinLines(passages: Passage[]): Passage[] {
  const joined: Passage[] = [];
  for (const passage of passages) {
    const last = joined.at(-1);
    const follows = last && last.line + last.lines.length === passage.line && /^(\/\/|#)/.test(passage.lines[0] ?? '');
    if (last && follows && /^(\/\/|#)/.test(last.lines.at(-1) ?? '')) last.lines.push(...passage.lines);
    else joined.push({ line: passage.line, lines: [...passage.lines] });
  }
  return joined;
}

/** Removes what makes lines a comment. The name of a parameter is code. */
function withoutMarks({ line, lines }: Passage): Passage {
  return {
    line,
    lines: lines.map((text) =>
      text
        .replace(/^\s*(\/\*+|\*\/|\*|\/\/+|#+!?)?\s?/, '')
        .replace(/\s*\*\/\s*$/, '')
        .replace(/^(@param|@typeParam) (\S+)/, '$1 `$2`')
        .trim(),
    ),
  };
}

/** String literals of two blanks or more: messages, titles and descriptions. */
export function messages(text: string): Passage[] {
  const source = ts.createSourceFile('source.ts', text, ts.ScriptTarget.Latest, true);
  const found: Passage[] = [];
  const add = (node: ts.Node, content: string) => {
    if (/\p{L}{2,}.* .*\p{L}{2,}.* .*\p{L}/su.test(content))
      found.push(passageAt(text, node.getStart(source), content));
  };
  const visit = (node: ts.Node): void => {
    if (ts.isStringLiteral(node) || ts.isNoSubstitutionTemplateLiteral(node))
      add(node, node.text.replaceAll('\n', ' '));
    else if (ts.isTemplateExpression(node)) {
      const parts = node.templateSpans.map(({ literal }) => `\`…\`${literal.text}`);
      add(node, `${node.head.text}${parts.join('')}`.replaceAll('\n', ' '));
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

/** Comments and docstrings of Python. */
export function pythonComments(text: string): Passage[] {
  const tokens = /("""|''')[\s\S]*?\1|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|#.*/g;
  const found = [...text.matchAll(tokens)]
    .filter(({ 0: token }) => token.startsWith('#') || token.startsWith('"""'))
    .map(({ 0: token, index }) => passageAt(text, index, token.replace(/^"""|"""$/g, '')));
  return joinLines(found).map(withoutMarks);
}

/** Values of an OpenAPI document that people read. */
export function descriptions(text: string): Passage[] {
  const found: Passage[] = [];
  visitYaml(parseDocument(text), {
    Pair(_, { key, value }) {
      if (!isScalar(key) || !PROSE_KEYS.includes(String(key.value)) || !isScalar(value)) return;
      if (typeof value.value !== 'string' || !value.range) return;
      const [from, to] = value.range;
      const lines = text.slice(from, to).trimEnd().split('\n');
      // The first line of a block scalar is its mark.
      if (/^[|>]/.test(lines[0] ?? '')) lines[0] = '';
      found.push({
        line: text.slice(0, from).split('\n').length,
        lines: lines.map((line) =>
          line
            .trim()
            .replace(/^(["'])(.*)$/, '$2')
            .replace(/\\?["']$/, ''),
        ),
      });
    },
  });
  return found;
}

/** What a page shows, and the texts of its attributes. */
export function visibleText(text: string): Passage[] {
  const parts = /<(script|style)\b[\s\S]*?<\/\1>|<!--[\s\S]*?-->|<[^>]*>|[^<]+/g;
  return [...text.matchAll(parts)].flatMap(({ 0: part, index }) => {
    if (!part.startsWith('<')) return part.trim() ? [trimmed(passageAt(text, index, part))] : [];
    const attributes = /\b(?:alt|title|aria-label|placeholder)="([^"]+)"/g;
    return [...part.matchAll(attributes)].map(({ 1: value = '', index: at }) => passageAt(text, index + at, value));
  });
}

const trimmed = ({ line, lines }: Passage): Passage => ({ line, lines: lines.map((text) => text.trim()) });

const blockComments = (text: string): Passage[] =>
  [...text.matchAll(/\/\*[\s\S]*?\*\//g)].map(({ 0: comment, index }) => withoutMarks(passageAt(text, index, comment)));

/** Comments of shell scripts and Dockerfiles that are lines of their own. */
const lineComments = (text: string): Passage[] =>
  joinLines(
    [...text.matchAll(/^[ \t]*(#(?!!).*)$/gm)].map(({ 0: all, 1: comment = '', index }) =>
      passageAt(text, index + all.length - comment.length, comment),
    ),
  ).map(withoutMarks);
