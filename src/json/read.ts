import { isUtf8 } from 'node:buffer';
import { excessOf } from './structure.ts';

/** The value of a JSON document, or a message that says why it cannot be read. The message never quotes the document. */
export type JsonReading = { value: unknown } | { fault: 'malformed' | 'excessive'; detail: string };

/**
 * Reads a JSON document that is not trusted. Its structure is counted before it is parsed. Text that is not valid UTF-8 is
 * refused: decoding would replace characters, and a different instruction would be scored.
 * @param what the subject of the message: "The body" or "The part `episode`"
 * @param done is called when the bytes are no longer needed
 */
export function readJsonBytes(bytes: Uint8Array, what: string, done = () => {}): JsonReading {
  if (bytes.length === 0) return { fault: 'malformed', detail: `${what} is empty. Send JSON.` };
  const excess = excessOf(bytes);
  if (excess) return { fault: 'excessive', detail: excess };
  if (!isUtf8(bytes)) return { fault: 'malformed', detail: `${what} is not valid UTF-8. Send JSON encoded as UTF-8.` };
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
  done();
  try {
    return { value: JSON.parse(text) };
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return { fault: 'malformed', detail: `${what} is not valid JSON.${adviceFor(error, text)}` };
  }
}

/** Advice for common mistakes, by the character at which the parser stops. */
const ADVICE: Record<string, string> = {
  "'": 'It contains single quotes. Write double quotes. In Python, send json.dumps(…), not str(…).',
  N: 'It contains NaN or None. JSON has no NaN: leave the value out or send a number. Write None as null.',
  I: 'It contains Infinity, which JSON does not have. Send a finite number.',
  T: 'It contains True. Write true.',
  F: 'It contains False. Write false.',
  '}': 'A value is missing before a closing brace, or there is a comma too many. Remove the comma.',
  ']': 'A value is missing before a closing bracket, or there is a comma too many. Remove the comma.',
};

/** Says what to write instead. The parser's message quotes the document, so only the character and its position are used. */
function adviceFor({ message }: SyntaxError, text: string): string {
  const position = /at position (\d+)/.exec(message)?.[1];
  const at = position === undefined ? '' : ` The mistake is at character ${position}, counted from 0.`;
  const stopped = /^Unexpected token '(.)'/.exec(message)?.[1] ?? text[Number(position ?? Number.NaN)] ?? '';
  const isInfinity = stopped === 'I' || /^No number after minus/.test(message);
  const advice = ADVICE[isInfinity ? 'I' : stopped] ?? (/[A-Za-z_]/.test(stopped) ? UNQUOTED : undefined);
  return advice ? `${at} ${advice}` : at;
}

const UNQUOTED = 'A name or a text is without quotes. Write it in double quotes.';
