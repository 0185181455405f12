// An engine that responds immediately: the part of vLLM's API that the service needs, with invented log probabilities.
// It reads every body completely and keeps only the names and times of the items, so a bench measures the service only.
//
//   ITEMS       how many items it keeps: the least recently used one is lost first; default: all
//   BLOCK_MS    CPU time that it spends on each block that it receives, ms; default 0. The time to read the body is not included.
//   NAME_MS     the same for each block that a request only names
//   PROMPT_MS   the same for each request
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

const MODEL = 'instant';
const ITEM_LIMIT = 4000;
const PADS_PER_BLOCK = 64;
const VIDEO_PAD = '<|video_pad|>';
const VOCABULARY = ['<|im_start|>', '<|im_end|>', '<|vision_start|>', '<|vision_end|>', VIDEO_PAD, '<|image_pad|>'];
const WORDS = [' True', ' False', 'True', 'False'];
/** Token ids from here on are control tokens and words. It is higher than every character code. */
const FIRST_ID = 200_000;

interface Content {
  type: string;
  text?: string;
  uuid?: string;
  video_url?: { url: string } | null;
}

interface Asked {
  prompt: string;
  messages: [{ content: Content[] }];
  continue_final_message: boolean;
  logprob_token_ids: number[];
  return_token_ids: boolean;
}

/** The time of each item as the prompt contains it, by the name of the item. The least recently used one is the first. */
const times = new Map<string, string>();

const setting = (name: string, otherwise: number) => Number(process.env[name] ?? otherwise);
const MOST_ITEMS = setting('ITEMS', Number.POSITIVE_INFINITY);
const COST_MS = { block: setting('BLOCK_MS', 0), name: setting('NAME_MS', 0), prompt: setting('PROMPT_MS', 0) };

class Refusal extends Error {}

/** A word on its own is one token. In other text each control token and each other character is one token. */
function tokenize(text: string): number[] {
  return piecesOf(text).map((piece) => {
    const known = [...VOCABULARY, ...WORDS].indexOf(piece);
    return known < 0 ? piece.charCodeAt(0) : FIRST_ID + known;
  });
}

function piecesOf(text: string): string[] {
  if (WORDS.includes(text)) return [text];
  return text.split(/(<\|\w+\|>)/).flatMap((piece) => (VOCABULARY.includes(piece) ? [piece] : Array.from(piece)));
}

/** Byte offsets of the frame rate in the header of an AVI. */
const SCALE_AT = 128;
const RATE_AT = 132;
/** How many characters of a data URL are kept: its type and the header of the file. */
const KEPT = 240;

function timeOf({ uuid = '', video_url: video }: Content, index: number): string {
  if (video) {
    const header = Buffer.from(video.url.slice(video.url.indexOf(',') + 1), 'base64');
    times.set(uuid, ((0.5 * header.readUInt32LE(SCALE_AT)) / header.readUInt32LE(RATE_AT)).toFixed(1));
  }
  const time = times.get(uuid);
  if (time === undefined) throw new Refusal(`Cache miss for video at index ${index} but data is not provided.`);
  times.delete(uuid);
  times.set(uuid, time);
  for (const oldest of times.keys()) {
    if (times.size <= MOST_ITEMS) break;
    times.delete(oldest);
  }
  return time;
}

/** Keeps this thread busy until it has used some CPU time. */
function spend(ms: number): void {
  const start = process.threadCpuUsage();
  for (;;) {
    const { user, system } = process.threadCpuUsage(start);
    if ((user + system) / 1000 >= ms) return;
  }
}

function complete({ messages: [{ content }], continue_final_message, logprob_token_ids, return_token_ids }: Asked) {
  const items = content.filter(({ type }) => type === 'video_url');
  if (items.length > ITEM_LIMIT) throw new Refusal(`At most ${ITEM_LIMIT} video(s) may be provided in one prompt.`);
  if (content.some(({ type }) => type === 'image_url'))
    throw new Refusal('At most 0 image(s) may be provided in one prompt.');
  const known = items.filter(({ video_url: video }) => !video).length;
  const fresh = items.filter(({ uuid = '', video_url: video }) => video && !times.has(uuid)).length;
  const blocks = items.map((item, i) => `<${timeOf(item, i)} seconds><|vision_start|>${VIDEO_PAD}<|vision_end|>`);
  spend(COST_MS.prompt + fresh * COST_MS.block + (items.length - fresh) * COST_MS.name);
  const closed = continue_final_message ? '' : '<|im_end|>\n<|im_start|>assistant\n';
  const text = `<|im_start|>user\n${blocks.join('')}${content.at(-1)?.text}${closed}`;
  const pad = FIRST_ID + VOCABULARY.indexOf(VIDEO_PAD);
  const ids = tokenize(text).flatMap((id) => (id === pad ? new Array<number>(PADS_PER_BLOCK).fill(pad) : [id]));
  const top = logprob_token_ids.map((id, i) => ({ token: `token_id:${id}`, logprob: -1 - i - 1 / items.length }));
  return {
    system_fingerprint: MODEL,
    prompt_token_ids: return_token_ids ? ids : null,
    choices: [{ logprobs: { content: [{ token: 'token_id:0', logprob: -1, top_logprobs: top }] } }],
    usage: { prompt_tokens: ids.length, prompt_tokens_details: { cached_tokens: known * PADS_PER_BLOCK } },
  };
}

/** Reads a JSON body and cuts off the end of each data URL, without holding the complete body in memory. */
async function readShort(request: IncomingMessage): Promise<Asked> {
  const opening = Buffer.from('"url":"');
  const short: Buffer[] = [];
  let rest = Buffer.alloc(0);
  let room: number | undefined; // how many more characters of the current data URL to keep; undefined outside a data URL
  for await (const chunk of request) {
    rest = rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk;
    for (;;) {
      const found = rest.indexOf(room === undefined ? opening : '"');
      if (found < 0) break;
      const end = room === undefined ? found + opening.length : found;
      short.push(rest.subarray(0, Math.min(end, room ?? end)));
      rest = rest.subarray(end);
      room = room === undefined ? KEPT : undefined;
    }
    // The remaining bytes contain no border of a data URL, but one may start at their end.
    const whole = room === undefined ? Math.max(0, rest.length - opening.length) : rest.length;
    const kept = Math.min(whole, room ?? whole);
    short.push(Buffer.from(rest.subarray(0, kept)));
    if (room !== undefined) room -= kept;
    rest = rest.subarray(whole);
  }
  return JSON.parse(Buffer.concat([...short, rest]).toString('utf8')) as Asked;
}

async function answer(request: IncomingMessage): Promise<object> {
  if (request.url === '/health') return {};
  if (request.url === '/version') return { version: '0.0.0' };
  if (request.url === '/v1/models') return { data: [{ id: MODEL, max_model_len: 262_144 }] };
  const asked = await readShort(request);
  if (request.url !== '/tokenize') return complete(asked);
  return { tokens: tokenize(asked.prompt), token_strs: piecesOf(asked.prompt) };
}

const server = createServer(async (request, response) => {
  response.setHeader('content-type', 'application/json');
  try {
    response.end(JSON.stringify(await answer(request)));
  } catch (error) {
    response.statusCode = error instanceof Refusal ? 400 : 500;
    response.end(JSON.stringify({ error: { message: (error as Error).message } }));
  }
});
server.listen(0, '127.0.0.1', () => {
  console.log(`listening at http://127.0.0.1:${(server.address() as AddressInfo).port}`);
});
