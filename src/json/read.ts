import { isUtf8 } from 'node:buffer';
import { excessOf } from './structure.ts';

/** A JSON document, read; or one sentence that says why it cannot be, in words of our own that quote nothing. */
export type JsonReading = { value: unknown } | { fault: 'malformed' | 'excessive'; detail: string };

/**
 * Reads a JSON document that comes from a stranger. Its structure is counted before it is parsed; text that is no valid
 * UTF-8 is refused, since another text would be scored in its place.
 * @param what is read, for the sentence: "The body" or "The part `episode`"
 * @param done is called when the bytes are not needed any more
 */
export function readJsonBytes(bytes: Uint8Array, what: string, done = () => {}): JsonReading {
  if (bytes.length === 0) return { fault: 'malformed', detail: `${what} is empty.` };
  const excess = excessOf(bytes);
  if (excess) return { fault: 'excessive', detail: excess };
  if (!isUtf8(bytes)) return { fault: 'malformed', detail: `${what} is not valid UTF-8. Send JSON encoded as UTF-8.` };
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
  done();
  try {
    return { value: JSON.parse(text) };
  } catch (error) {
    return { fault: 'malformed', detail: `${what} is not valid JSON.${adviceFor(error as SyntaxError, text)}` };
  }
}

/** Mistakes that are often made, by the character at which the parser stops. */
const ADVICE: Record<string, string> = {
  "'": 'It uses single quotes: write double quotes. In Python, send json.dumps(…), not str(…).',
  N: 'It holds NaN or None. JSON has no NaN: leave the value out or send a number. None is written null.',
  I: 'It holds Infinity, which JSON does not have: send a finite number.',
  T: 'It holds True: JSON writes true.',
  F: 'It holds False: JSON writes false.',
  '}': 'A value is missing before a closing brace, or a comma stands there: remove the comma.',
  ']': 'A value is missing before a closing bracket, or a comma stands there: remove the comma.',
};

/** What to write instead. The parser's own words quote the text, so only the character and its place are taken from them. */
function adviceFor({ message }: SyntaxError, text: string): string {
  const position = /at position (\d+)/.exec(message)?.[1];
  const at = position === undefined ? '' : ` The mistake is at character ${position}.`;
  const stopped = /^Unexpected token '(.)'/.exec(message)?.[1] ?? text[Number(position ?? Number.NaN)] ?? '';
  const isInfinity = stopped === 'I' || /^No number after minus/.test(message);
  const advice = ADVICE[isInfinity ? 'I' : stopped] ?? (/[A-Za-z_]/.test(stopped) ? UNQUOTED : undefined);
  return advice ? `${at} ${advice}` : at;
}

const UNQUOTED = 'A name or a text without quotes stands there: write it in double quotes.';
