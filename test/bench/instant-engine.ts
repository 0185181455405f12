// An engine that answers at once: the bit of vLLM that the service needs, with made-up log probabilities.
// It reads every body to its end and keeps nothing but the names of the items, so that the service is what is measured.
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

const MODEL = 'instant';
const ITEM_LIMIT = 4000;
const PADS_PER_BLOCK = 64;
const VIDEO_PAD = '<|video_pad|>';
const VOCABULARY = ['<|im_start|>', '<|im_end|>', '<|vision_start|>', '<|vision_end|>', VIDEO_PAD];
const WORDS = [' True', ' False', 'True', 'False'];
/** Above every character code. */
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

/** Time of each item by its name, as a prompt writes it. */
const times = new Map<string, string>();

class Refusal extends Error {}

/** A word alone is one token; in other text only control tokens are, and each character is one. */
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

/** Where the frame rate stands in the header of an AVI: scale, then rate. */
const SCALE_AT = 128;
const RATE_AT = 132;
/** Characters of a data URL that are kept: its type and the header of the file. */
const KEPT = 240;

function timeOf({ uuid = '', video_url: video }: Content, index: number): string {
  if (video) {
    const header = Buffer.from(video.url.slice(video.url.indexOf(',') + 1), 'base64');
    times.set(uuid, ((0.5 * header.readUInt32LE(SCALE_AT)) / header.readUInt32LE(RATE_AT)).toFixed(1));
  }
  const time = times.get(uuid);
  if (time === undefined) throw new Refusal(`Cache miss for video at index ${index} but data is not provided.`);
  return time;
}

function complete({ messages: [{ content }], continue_final_message, logprob_token_ids, return_token_ids }: Asked) {
  const items = content.filter(({ type }) => type === 'video_url');
  if (items.length > ITEM_LIMIT) throw new Refusal(`At most ${ITEM_LIMIT} video(s) may be provided in one prompt.`);
  const known = items.filter(({ video_url: video }) => !video).length;
  const blocks = items.map((item, i) => `<${timeOf(item, i)} seconds><|vision_start|>${VIDEO_PAD}<|vision_end|>`);
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

/** Reads a JSON body with the end of each data URL cut off, without ever holding the whole. */
async function readShort(request: IncomingMessage): Promise<Asked> {
  const opening = Buffer.from('"url":"');
  const short: Buffer[] = [];
  let rest = Buffer.alloc(0);
  let room: number | undefined; // characters still kept of the data URL that is being read
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
    // What is left holds no border, but a border may begin at its end.
    const whole = room === undefined ? Math.max(0, rest.length - opening.length) : rest.length;
    const kept = Math.min(whole, room ?? whole);
    short.push(Buffer.from(rest.subarray(0, kept)));
    if (room !== undefined) room -= kept;
    rest = rest.subarray(whole);
  }
  return JSON.parse(Buffer.concat([...short, rest]).toString('utf8')) as Asked;
}

async function answer(request: IncomingMessage): Promise<object> {
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
