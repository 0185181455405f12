/** What went wrong at the engine, in the terms that decide what to do about it. */
export type FaultKind =
  /** an item was asked for by uuid alone and the engine no longer has it */
  | 'cache-miss'
  /** a 500: seen once for items of a request that was refused or abandoned; the same again with data works */
  | 'internal'
  | 'busy'
  | 'context'
  | 'items'
  | 'unreachable'
  | 'refused';

/** A request that the engine did not answer. Its message is the engine's own: for the log, never for a caller. */
export class EngineFault extends Error {
  readonly kind: FaultKind;
  /** For `context`: tokens of the prompt and of the context. For `items`: the limit. */
  readonly numbers: number[];

  constructor(kind: FaultKind, message: string, numbers: number[] = [], cause?: unknown) {
    super(message, { cause });
    this.kind = kind;
    this.numbers = numbers;
  }
}

/** Wordings of vLLM 0.32; the first that fits decides. */
const WORDINGS: [FaultKind, RegExp][] = [
  ['cache-miss', /Cache miss for \w+ at index \d+ but data is not provided/],
  ['items', /At most (\d+) video\(s\)/],
  ['context', /Input length \((\d+)\) exceeds model's maximum context length \((\d+)\)/],
  ['context', /maximum context length is (\d+) tokens.*?at least (\d+) input tokens/],
];

/** Reads an error answer of vLLM. */
export function faultOf(status: number, body: string): EngineFault {
  const message = errorMessage(body);
  if (status === 503 || status === 429) return new EngineFault('busy', message);
  if (status === 500) return new EngineFault('internal', message);
  for (const [kind, wording] of WORDINGS) {
    const match = wording.exec(message);
    if (match) return new EngineFault(kind, message, match.slice(1).map(Number));
  }
  return new EngineFault(status > 500 ? 'unreachable' : 'refused', `${status} ${message}`);
}

function errorMessage(body: string): string {
  try {
    const { error } = JSON.parse(body) as { error?: { message?: unknown } };
    return String(error?.message ?? body).slice(0, 500);
  } catch {
    return body.slice(0, 500);
  }
}
