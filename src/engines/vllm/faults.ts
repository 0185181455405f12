import { ERROR } from './responses.ts';

/** Kinds of engine faults. The kind decides how the service reacts. */
type FaultKind =
  /** a request only named an item, and the engine no longer has it */
  | 'cache-miss'
  /**
   * status 500 from vLLM: occurs for items of an earlier request that was refused or aborted; a retry with data works
   */
  | 'internal'
  | 'busy'
  | 'context'
  | 'items'
  /** more images than --limit-mm-per-prompt */
  | 'images'
  /** more most likely tokens than --max-logprobs */
  | 'top'
  /** no response: the connection broke, or a router in between has no engine */
  | 'unreachable'
  /** the engine does not support the request */
  | 'refused'
  /** a response whose numbers cannot be used */
  | 'unusable';

/** Details of a fault besides its kind. */
interface FaultDetails {
  /** For `context`: the token counts of the prompt and of the context. For `items`, `images` and `top`: the limit. */
  numbers?: number[];
  /** The engine's own text, which may contain a prompt. Only for the log, and only if no caller's prompt was sent. */
  words?: string;
  cause?: unknown;
}

/**
 * A request to the engine failed. The message is this service's own text, never the engine's, with one exception: if a prompt is not that
 * of the profile, it has the first tokens that differ.
 */
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

/** Error messages of vLLM 0.32, with the numbers in them. The first match decides. */
const WORDINGS: [FaultKind, RegExp][] = [
  ['cache-miss', /Cache miss for \w+ at index \d+ but data is not provided/],
  ['items', /At most ([1-9]\d*) video\(s\)/],
  ['refused', /At most 0 video\(s\)/],
  ['images', /At most (\d+) image\(s\)/],
  ['top', /requested (?:sample )?logprobs of \d+, which is greater than max allowed: ([1-9]\d*)/i],
  ['context', /Input length \(([1-9]\d*)\) exceeds model's maximum context length \(([1-9]\d*)\)/],
  ['context', /maximum context length is ([1-9]\d*) tokens.*?at least ([1-9]\d*) input tokens/],
];

/** A larger number cannot be a count of tokens or items. */
const MOST = 1e8;
const MOST_WORDS = 300;

/**
 * Reads an error response of vLLM, or of a router in front of it.
 * @param request such as `POST /tokenize`
 */
export function faultOf(request: string, status: number, body: string): EngineFault {
  const message = errorMessage(body);
  const words = (message ?? body).slice(0, MOST_WORDS);
  const fault = (kind: FaultKind, said: string, numbers: number[] = []) =>
    new EngineFault(kind, said, { words, numbers });
  const answered = `The engine returned status ${status} for ${request}`;
  // An error response that does not have vLLM's form comes from a router that has lost its engine.
  const isLost = message === undefined && (status === 500 || status === 503);
  if (isLost || status === 502 || status === 504)
    return fault(
      'unreachable',
      `${answered}. No vLLM responds behind this address: check vLLM and the router in front of it.`,
    );
  if (status === 503 || status === 429) return fault('busy', `${answered}: too many requests are waiting.`);
  if (status === 500) return fault('internal', `${answered}: an internal error.`);
  if (status === 401 || status === 403)
    return fault('refused', `${answered}. Set ENGINE_API_KEY to the value of vLLM's --api-key.`);
  for (const [kind, wording] of WORDINGS) {
    const match = wording.exec(message ?? '');
    if (!match) continue;
    const numbers = match.slice(1).map(Number);
    if (numbers.every((number) => number <= MOST)) return fault(kind, answeredBy(kind, numbers), numbers);
  }
  return fault('refused', `${answered}.`);
}

function answeredBy(kind: FaultKind, [number]: number[]): string {
  if (kind === 'cache-miss')
    return 'The item cache of the engine lost an item that was sent. Start vLLM with a larger --mm-processor-cache-gb.';
  if (kind === 'refused')
    return 'The engine accepts no videos. Start vLLM with FRAMES=pairs of docker/vllm/start.sh, or set MODEL_PROFILE to a profile of images (docs/models.md).';
  if (kind === 'items')
    return `The engine accepts ${number} videos per prompt. Raise the limit with --limit-mm-per-prompt.`;
  if (kind === 'images')
    return `The engine accepts ${number} images per prompt. Raise the limit with --limit-mm-per-prompt.`;
  if (kind === 'top')
    return `The engine returns at most ${number} most likely tokens. Raise the limit with --max-logprobs.`;
  return 'The prompt is longer than the engine’s context. Start vLLM with a larger --max-model-len.';
}

/** @returns the message of vLLM's own error response; undefined for any other body */
function errorMessage(body: string): string | undefined {
  try {
    const document: unknown = JSON.parse(body);
    return ERROR.fits(document) ? document.error.message : undefined;
  } catch {
    return undefined;
  }
}
