import { ERROR } from './answers.ts';

/** What went wrong at the engine, in the terms that decide what to do about it. */
export type FaultKind =
  /** an item was asked for by uuid alone and the engine no longer has it */
  | 'cache-miss'
  /** a 500 of vLLM: seen once for items of a request that was refused or abandoned; the same again with data works */
  | 'internal'
  | 'busy'
  | 'context'
  | 'items'
  /** no answer: the connection broke, or a router in between has no engine */
  | 'unreachable'
  /** the engine does not do what is asked */
  | 'refused'
  /** an answer, but not one that numbers may be taken from */
  | 'unusable';

/** What is known of a fault besides its kind. */
export interface FaultDetails {
  /** For `context`: tokens of the prompt and of the context. For `items`: the limit. */
  numbers?: number[];
  /** The engine's own words, which may hold a prompt: only for the log, and only where no caller's prompt was sent. */
  words?: string;
  cause?: unknown;
}

/** A request that the engine did not answer as it should. Its message is this service's own words. */
export class EngineFault extends Error {
  readonly kind: FaultKind;
  readonly numbers: number[];
  readonly words: string;

  constructor(kind: FaultKind, message: string, { numbers = [], words = '', cause }: FaultDetails = {}) {
    super(message, { cause });
    this.kind = kind;
    this.numbers = numbers;
    this.words = words;
  }
}

/** Wordings of vLLM 0.32, with the numbers in them; the first that fits decides. */
const WORDINGS: [FaultKind, RegExp][] = [
  ['cache-miss', /Cache miss for \w+ at index \d+ but data is not provided/],
  ['items', /At most (\d+) video\(s\)/],
  ['context', /Input length \((\d+)\) exceeds model's maximum context length \((\d+)\)/],
  ['context', /maximum context length is (\d+) tokens.*?at least (\d+) input tokens/],
];

/** A limit or a length beyond this is no number of tokens or items. */
const MOST = 1e8;
const MOST_WORDS = 300;

/**
 * Reads an answer with an error status: vLLM's own, or one of a router in front of it.
 * @param request such as `POST /tokenize`
 */
export function faultOf(request: string, status: number, body: string): EngineFault {
  const message = errorMessage(body);
  const words = (message ?? body).slice(0, MOST_WORDS);
  const fault = (kind: FaultKind, said: string, numbers: number[] = []) =>
    new EngineFault(kind, said, { words, numbers });
  const answered = `The engine answered ${request} with status ${status}`;
  // An answer that is not vLLM's comes from a router that has lost its engine.
  const isLost = message === undefined && (status === 500 || status === 503);
  if (isLost || status === 502 || status === 504)
    return fault('unreachable', `${answered}: no engine behind it answers.`);
  if (status === 503 || status === 429) return fault('busy', `${answered}: it has too much waiting.`);
  if (status === 500) return fault('internal', `${answered}: it failed.`);
  if (status === 401 || status === 403) return fault('refused', `${answered}. Set ENGINE_API_KEY to vLLM's --api-key.`);
  for (const [kind, wording] of WORDINGS) {
    const match = wording.exec(message ?? '');
    if (!match) continue;
    const numbers = match.slice(1).map(Number);
    if (numbers.every((number) => number >= 1 && number <= MOST))
      return fault(kind, answeredBy(kind, numbers), numbers);
  }
  return fault('refused', `${answered}.`);
}

function answeredBy(kind: FaultKind, [number]: number[]): string {
  if (kind === 'cache-miss')
    return 'The engine does not keep the items that it was sent. Give it --mm-processor-cache-gb.';
  if (kind === 'items') return `The engine takes ${number} videos in a prompt. Raise them with --limit-mm-per-prompt.`;
  return 'The prompt is longer than the engine’s context. Start vLLM with a larger --max-model-len.';
}

/** The message of an error of vLLM's own; undefined for anything else. */
function errorMessage(body: string): string | undefined {
  try {
    const document: unknown = JSON.parse(body);
    return ERROR.fits(document) ? document.error.message : undefined;
  } catch {
    return undefined;
  }
}
