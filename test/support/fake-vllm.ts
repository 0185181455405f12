import { createHash } from 'node:crypto';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A completion request that the fake received. */
export interface Asked {
  /** UUID and data of each item, in order */
  items: { uuid: string; data: string | null }[];
  /** UUID and data of each image, in order */
  images: { uuid: string; data: string | null }[];
  /** texts and images of the user's turn, in order: an image by its place in `images` */
  turn: (string | number)[];
  /** the settings of a text; undefined for a request that reads log probabilities */
  written: { maxTokens: number; format: unknown; temperature: unknown; generationPrompt: unknown } | undefined;
  text: string;
  /** the beginning of the assistant's turn */
  continued: string;
  salt: string;
  session: string | undefined;
  headers: IncomingHttpHeaders;
  openTurn: boolean;
  bytes: number;
  /** Resolves when the client disconnects before a response. */
  gone: Promise<void>;
}

/** How the fake differs from a healthy vLLM. It is read at each request, so tests may change it at any time. */
export interface Behaviour {
  layout: 'reference' | 'nested' | 'strange';
  version: string;
  fingerprint: string | null;
  contextTokens: number;
  itemLimit: number;
  imageLimit: number;
  /** the text that it writes */
  text: string;
  keepsItems: boolean;
  /** Items in a block of the prefix cache. A model with linear attention has large blocks. */
  cacheBlock: number;
  /** most tokens of `top_logprobs` */
  maxLogprobs: number;
  /** Further texts that are one token each, in addition to <|…|>, True and False: regular expressions, in order. */
  addedTokens: string[];
  /** Replaces the response to any request, by its path. If it returns undefined, the fake responds as usual. */
  instead?: ((path: string, response: ServerResponse) => unknown) | undefined;
  /** Replaces the response to an episode's completion. If it returns undefined, the fake responds as usual. */
  fault?: ((asked: Asked, response: ServerResponse, count: number) => unknown) | undefined;
  /** Changes a response before it is sent. */
  rewrite?: ((answer: Answer, request: CompletionRequest) => unknown) | undefined;
  /** Changes a response that has a text before it is sent. */
  rewriteText?: ((answer: TextAnswer) => unknown) | undefined;
  /** Sends the response to an episode in an unusual way. If it returns undefined, it is sent as usual. */
  send?: ((response: ServerResponse, answer: object) => unknown) | undefined;
}

export interface Answer {
  system_fingerprint: string | null;
  prompt_token_ids?: number[];
  prompt_logprobs?: (Record<string, { logprob: number }> | null)[];
  choices: {
    logprobs: { content: { token: string; logprob: number; top_logprobs: { token: string; logprob: number }[] }[] };
  }[];
  usage: { prompt_tokens: number; prompt_tokens_details: { cached_tokens: number } | null };
}

/** A response that has a text. */
export interface TextAnswer {
  system_fingerprint: string | null;
  prompt_token_ids: number[];
  choices: { message: { content: string }; finish_reason: string }[];
  usage: {
    prompt_tokens: number;
    completion_tokens: number;
    prompt_tokens_details: { cached_tokens: number } | null;
  };
}

const PADS = 64;
const TOKENS = /<\|[^|]+\|>| True| False|True|False|./.source;

/**
 * Starts a server with the part of vLLM's API that the service uses, to test faults that a real vLLM does not show on
 * demand. Its log probabilities are calculated from a digest of the prompt and items, so a test notices if responses
 * are mixed up.
 */
export async function startFakeVllm(change: Partial<Behaviour> = {}) {
  const behaviour: Behaviour = {
    layout: 'reference',
    version: '0.32.0',
    fingerprint: 'fake-1',
    contextTokens: 32768,
    itemLimit: 600,
    imageLimit: 128,
    text: 'Frame 1: Task Completion Percentages:40%',
    keepsItems: true,
    cacheBlock: 1,
    maxLogprobs: 20,
    addedTokens: ['<think>', '<tts_pad>'],
    ...change,
  };
  const vocabulary = new Map<string, number>();
  const items = new Map<string, string>();
  const seen = new Set<string>();
  /** Number of requests so far by path, with and without a response. */
  const requests = new Map<string, number>();
  /** Completion requests for episodes, without those of the probe. */
  const asked: Asked[] = [];
  const probed: Asked[] = [];
  /** Prompt tokens of each response to an episode. */
  const promptTokens: number[] = [];

  const tokensOf = (text: string) => text.match(new RegExp([...behaviour.addedTokens, TOKENS].join('|'), 'gsu')) ?? [];
  const wordOf = (id: number) => [...vocabulary].find(([, other]) => other === id)?.[0] ?? `<${id}>`;
  const tokenize = (text: string) =>
    tokensOf(text).map((token) => {
      if (!vocabulary.has(token)) vocabulary.set(token, vocabulary.size + 1);
      return vocabulary.get(token) as number;
    });

  function render(question: Asked): number[] {
    const { items: shown, text, continued, openTurn } = question;
    const pads = '<|video_pad|>'.repeat(PADS);
    const blocks = shown.map(({ uuid }) => {
      const block = `<${blockTime(items.get(uuid) as string)} seconds><|vision_start|>${pads}<|vision_end|>`;
      if (behaviour.layout === 'strange') return `${block}!`;
      return behaviour.layout === 'nested' ? `<|vision_start|>${block}<|vision_end|>` : block;
    });
    const content = question.images.length > 0 ? turnText(question) : `${blocks.join('')}${text}`;
    const turn = `<|im_start|>user\n${content}`;
    const isOpen = openTurn && continued === '';
    return tokenize(isOpen ? turn : `${turn}<|im_end|>\n<|im_start|>assistant\n${continued}`);
  }

  function turnText({ turn, images }: Asked): string {
    const texts = turn.map((part) => {
      if (typeof part === 'string') return part;
      const data = items.get(images[part]?.uuid ?? '') as string;
      const image = `<|vision_start|>${'<|image_pad|>'.repeat(imagePads(data))}<|vision_end|>`;
      return behaviour.layout === 'strange' ? `${image}!` : image;
    });
    return texts.join('');
  }

  function renderTurn(question: Asked): number[] {
    return tokenize(`<|im_start|>user\n${turnText(question)}<|im_end|>\n<|im_start|>assistant\n`);
  }

  /** For each token of a prompt the text between the last block and it; null for those of the blocks. */
  function textsBefore(ids: number[]): (string | null)[] {
    const end = ids.lastIndexOf(vocabulary.get('<|vision_end|>') ?? -1) + 1;
    return ids.map((_, i) => (i < end ? null : ids.slice(end, i).map(wordOf).join('')));
  }

  async function complete(request: IncomingMessage, response: ServerResponse): Promise<unknown> {
    const body = await readBody(request);
    const document = JSON.parse(body.toString()) as CompletionRequest;
    const content = document.messages[0]?.content ?? [];
    const question: Asked = {
      items: content.flatMap((part) =>
        part.type === 'video_url' ? [{ uuid: part.uuid, data: part.video_url?.url ?? null }] : [],
      ),
      images: content.flatMap((part) =>
        part.type === 'image_url' ? [{ uuid: part.uuid, data: part.image_url?.url ?? null }] : [],
      ),
      turn: turnOf(content),
      written: document.logprobs ? undefined : writtenOf(document),
      text: content.flatMap((part) => (part.type === 'text' ? [part.text] : [])).join(''),
      continued: document.messages[1]?.content ?? '',
      salt: document.cache_salt,
      session: request.headers['x-session-id'] as string | undefined,
      headers: request.headers,
      openTurn: document.continue_final_message ?? false,
      bytes: body.length,
      gone: new Promise((resolve) => response.once('close', () => !response.writableFinished && resolve())),
    };
    if (question.items.length > behaviour.itemLimit) {
      return refuse(response, 400, `At most ${behaviour.itemLimit} video(s) may be provided in one prompt.`);
    }
    if (question.images.length > behaviour.imageLimit) {
      const message = `At most ${behaviour.imageLimit} image(s) may be provided in one prompt. (parameter=image)`;
      return refuse(response, 400, message);
    }
    const isProbe = question.text === '' || question.text.includes(' Probe. ');
    (isProbe ? probed : asked).push(question);
    if (!isProbe && behaviour.fault?.(question, response, asked.length) !== undefined) return;
    for (const [kind, named] of [
      ['video', question.items],
      ['image', question.images],
    ] as const) {
      for (const { uuid, data } of named) if (data && !items.has(uuid)) items.set(uuid, data);
      const missing = named.findIndex(({ uuid }) => !items.has(uuid));
      if (missing >= 0) {
        return refuse(response, 400, `Cache miss for ${kind} at index ${missing} but data is not provided.`);
      }
    }
    const ids = question.written && !isProbe ? renderTurn(question) : render(question);
    if (ids.length > behaviour.contextTokens) {
      const message = `Input length (${ids.length}) exceeds model's maximum context length (${behaviour.contextTokens}).`;
      return refuse(response, 400, message);
    }
    if (question.written && !isProbe) {
      const answer = textAnswer(ids, tokensOf(behaviour.text), question, seen);
      answer.system_fingerprint = behaviour.fingerprint;
      behaviour.rewriteText?.(answer);
      if (behaviour.send?.(response, answer) !== undefined) return;
      return reply(response, 200, answer);
    }
    const { top_logprobs: top = 0 } = document;
    if (top > behaviour.maxLogprobs) {
      const message = `Requested sample logprobs of ${top}, which is greater than max allowed: ${behaviour.maxLogprobs}`;
      return refuse(response, 400, message);
    }
    const answer = answerTo(question, ids, document, {
      seen,
      items,
      cacheBlock: behaviour.cacheBlock,
      textsBefore,
      wordOf,
    });
    answer.system_fingerprint = behaviour.fingerprint;
    if (!isProbe) promptTokens.push(answer.usage.prompt_tokens);
    if (!isProbe || behaviour.rewrite) behaviour.rewrite?.(answer, document);
    if (!behaviour.keepsItems) items.clear();
    if (!isProbe && behaviour.send?.(response, answer) !== undefined) return;
    return reply(response, 200, answer);
  }

  const server = createServer(async (request, response) => {
    const { url = '' } = request;
    requests.set(url, (requests.get(url) ?? 0) + 1);
    // The body is always read: a response before its end would break the connection.
    if (behaviour.instead?.(url, response) !== undefined) return request.resume();
    if (url === '/health') return response.end();
    if (url === '/version') return reply(response, 200, { version: behaviour.version });
    if (url === '/v1/models') {
      return reply(response, 200, { data: [{ id: 'fake', max_model_len: behaviour.contextTokens }] });
    }
    if (url === '/tokenize') {
      const { prompt } = JSON.parse((await readBody(request)).toString()) as { prompt: string };
      return reply(response, 200, { tokens: tokenize(prompt), token_strs: tokensOf(prompt) });
    }
    if (url === '/detokenize') {
      const { tokens } = JSON.parse((await readBody(request)).toString()) as { tokens: number[] };
      return reply(response, 200, { prompt: tokens.map(wordOf).join('') });
    }
    if (url === '/v1/chat/completions') {
      return complete(request, response).catch((error) => {
        // The service may abort a request that already has a response, or whose client has disconnected.
        if (!request.destroyed) throw error;
      });
    }
    return refuse(response, 404, 'Not found');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    behaviour,
    asked,
    probed,
    promptTokens,
    requests,
    forget: () => items.clear(),
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
export type FakeVllm = Awaited<ReturnType<typeof startFakeVllm>>;

interface CompletionRequest {
  messages: [
    {
      content: (
        | { type: 'video_url'; uuid: string; video_url: { url: string } | null }
        | { type: 'image_url'; uuid: string; image_url: { url: string } | null }
        | { type: 'text'; text: string }
      )[];
    },
    { role: 'assistant'; content: string }?,
  ];
  cache_salt: string;
  logprobs?: boolean;
  max_tokens: number;
  temperature?: number;
  add_generation_prompt?: boolean;
  response_format?: unknown;
  continue_final_message?: boolean;
  logprob_token_ids?: number[];
  top_logprobs?: number;
  logit_bias?: Record<string, number>;
  return_token_ids?: boolean;
  prompt_logprobs?: number;
}

/** Texts and images of a turn, in order. */
function turnOf(content: CompletionRequest['messages'][0]['content']): (string | number)[] {
  let images = 0;
  return content.flatMap((part): (string | number)[] => {
    if (part.type === 'text') return [part.text];
    if (part.type !== 'image_url') return [];
    images += 1;
    return [images - 1];
  });
}

function writtenOf(document: CompletionRequest): Asked['written'] {
  const { max_tokens, response_format, temperature, add_generation_prompt } = document;
  return { maxTokens: max_tokens, format: response_format, temperature, generationPrompt: add_generation_prompt };
}

/** As in vLLM, a text of more tokens than requested is cut off. */
function textAnswer(ids: number[], tokens: string[], { written, salt }: Asked, seen: Set<string>): TextAnswer {
  const most = written?.maxTokens ?? 0;
  const key = JSON.stringify([salt, ids]);
  const cached = seen.has(key) ? ids.length - 1 : 0;
  seen.add(key);
  return {
    system_fingerprint: null,
    prompt_token_ids: ids,
    choices: [
      {
        message: { content: tokens.slice(0, most).join('') },
        finish_reason: tokens.length > most ? 'length' : 'stop',
      },
    ],
    usage: {
      prompt_tokens: ids.length,
      completion_tokens: Math.min(tokens.length, most),
      prompt_tokens_details: { cached_tokens: cached },
    },
  };
}

/** Image tokens of a file in a data URL: one for each square of 32 px of a PNG file or a portable pixmap, 64 for a JPEG file. */
function imagePads(dataUrl: string): number {
  if (dataUrl.startsWith('data:image/jpeg')) return PADS;
  const file = Buffer.from(dataUrl.slice(dataUrl.indexOf(',') + 1), 'base64');
  const [, width, height] = /^P6\n(\d+) (\d+)\n/.exec(file.toString('latin1', 0, 32)) ?? [];
  const [columns, rows] = width ? [Number(width), Number(height)] : [file.readUInt32BE(16), file.readUInt32BE(20)];
  return Math.ceil(columns / 32) * Math.ceil(rows / 32);
}

/** What the fake knows besides the request. */
interface FakeState {
  seen: Set<string>;
  items: Map<string, string>;
  cacheBlock: number;
  textsBefore: (ids: number[]) => (string | null)[];
  wordOf: (id: number) => string;
}

function answerTo(
  { items: videos, images, text, continued, salt }: Asked,
  ids: number[],
  {
    logprob_token_ids: wanted,
    top_logprobs: most = 0,
    logit_bias: bias = {},
    return_token_ids: withIds,
    prompt_logprobs: promptWanted,
  }: CompletionRequest,
  { seen, items, cacheBlock, textsBefore, wordOf }: FakeState,
): Answer {
  const shown = [...videos, ...images];
  // Simulates the KV cache in steps of one item: an item is cached if it was seen after the same items with the same salt.
  const keys = shown.map((_, i) => JSON.stringify([salt, ...shown.slice(0, i + 1).map(({ uuid }) => uuid)]));
  // As in vLLM, a request for the log probabilities of its prompt reads nothing from the cache.
  const known = keys.filter((key) => seen.has(key)).length;
  const cached = promptWanted === undefined ? (known - (known % cacheBlock)) * PADS : 0;
  for (const key of keys) seen.add(key);
  const digestOf = (...texts: string[]) =>
    createHash('sha256')
      .update(JSON.stringify([...texts, shown.map(({ uuid }) => items.get(uuid))]))
      .digest();
  const digest = digestOf(text, ...(continued ? [continued] : []));
  // The probability of each of the first two tokens is less than 1/4, that of the others tiny, and that of the sampled token 1/2, so
  // the sum is at most 1.
  const logprob = (i: number, of = digest) =>
    i < 2 ? -1.4 - of.readUInt16LE(i * 2) / 8192 : -10 - of.readUInt16LE((i * 2) % 30) / 8192 - i / 1024;
  // A full stop has the number of the second token, whichever tokens are read with it.
  const placeOf = (id: number, i: number) => (wordOf(id) === '.' ? 1 : i);
  // The same numbers as in responses to requests whose text ends before the token and that ask for this token.
  const promptRows = () =>
    textsBefore(ids).map((before, i) => {
      const id = ids[i] as number;
      return i === 0 ? null : { [id]: { logprob: before === null ? -1 : logprob(placeOf(id, 0), digestOf(before)) } };
    });
  const named = (id: number, i: number) => ({ token: `token_id:${id}`, logprob: logprob(placeOf(id, i)) });
  const first = { token: 'token_id:0', logprob: -0.7 };
  const others = Array.from({ length: 20 }, (_, i) => named(i + 1, i));
  const likeliest = [first, ...others.sort((a, b) => b.logprob - a.logprob)];
  const sampled = likeliest.find(({ token }) => !(token.slice('token_id:'.length) in bias)) ?? first;
  // As in vLLM, tokens by id take precedence over the most likely tokens, and the sampled token is one of the latter.
  const top = wanted?.map(named) ?? likeliest.slice(1, most);
  return {
    system_fingerprint: null,
    ...(withIds && { prompt_token_ids: ids }),
    ...(promptWanted !== undefined && { prompt_logprobs: promptRows() }),
    choices: [{ logprobs: { content: [{ ...sampled, top_logprobs: [sampled, ...top] }] } }],
    usage: { prompt_tokens: ids.length, prompt_tokens_details: { cached_tokens: cached } },
  };
}

/** The time of a block as vLLM writes it: the mean of 0 and 1/rate, from the stream header of the AVI. */
function blockTime(dataUrl: string): string {
  const file = Buffer.from(dataUrl.slice(dataUrl.indexOf(',') + 1), 'base64');
  const header = file.indexOf('strh') + 8;
  return ((0.5 * file.readUInt32LE(header + 20)) / file.readUInt32LE(header + 24)).toFixed(1);
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

export function reply(response: ServerResponse, status: number, document: unknown): true {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(document));
  return true;
}

export function refuse(response: ServerResponse, status: number, message: string): true {
  return reply(response, status, { error: { message, type: 'BadRequestError', param: null, code: status } });
}
