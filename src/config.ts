import { randomBytes } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { type Static, Type } from 'typebox';
import { Compile } from 'typebox/compile';
import { allowedNames } from './hosts.ts';
import { mistakenVariables } from './mistaken-variables.ts';
import { REFERENCE_SIDE } from './plan/frame-size.ts';

const MiB = 1024 * 1024;
/** The model that comes with the service. */
const OWN_MODEL = fileURLToPath(new URL('../models/topreward-pico', import.meta.url));
const count = (fallback: number, description: string) => Type.Integer({ minimum: 1, default: fallback, description });

/** The environment the service reads: names, types, defaults. docs/configuration.md is held against this object by a test. */
export const Environment = Type.Object({
  HOST: Type.String({ default: '127.0.0.1', description: 'Address to listen on; 0.0.0.0 for all.' }),
  PORT: Type.Integer({
    minimum: 0,
    maximum: 65535,
    default: 8080,
    description: 'Port to listen on; 0 takes a free one.',
  }),
  LOG_LEVEL: Type.Enum(['fatal', 'error', 'warn', 'info', 'debug', 'silent'], {
    default: 'info',
    description: 'Least severe log line to write.',
  }),
  API_KEYS: Type.String({
    default: '',
    description: 'Tenants and their keys, `name=key,name=key`. Empty: no key is asked for, everybody is one tenant.',
  }),
  ALLOWED_HOSTS: Type.String({
    default: '',
    description: 'Further host names that the service is reached by, `name,.domain`; `*` for all.',
  }),
  SECRET: Type.String({
    default: '',
    description: 'Keys the names that engine caches see. Empty: random at each start. Set the same on all replicas.',
  }),
  ENGINE: Type.Optional(
    Type.Enum(['vllm', 'embedded'], {
      description:
        'What looks at frames: a vLLM elsewhere, or a small model in this process. Unset: vllm with ENGINE_URL.',
    }),
  ),
  MODEL_DIR: Type.String({
    default: '',
    description: 'Folder of the embedded engine’s exported checkpoint; empty takes models/topreward-pico.',
  }),
  EMBEDDED_THREADS: count(Math.min(4, availableParallelism()), 'Threads of the embedded engine.'),
  EMBEDDED_CACHE_BYTES: Type.Integer({
    minimum: 0,
    default: 256 * MiB,
    description: 'Bytes of keys and values that the embedded engine keeps for episodes that grow.',
  }),
  ENGINE_URL: Type.String({ default: 'http://127.0.0.1:8000', description: 'Where vLLM answers.' }),
  ENGINE_API_KEY: Type.String({ default: '', description: "vLLM's --api-key, if it has one." }),
  ENGINE_MODEL: Type.String({ default: '', description: 'Served model to ask; empty takes the first one.' }),
  ENGINE_CONCURRENCY: count(32, 'Requests in flight to the engine, over all episodes.'),
  ENGINE_FRAME_ENCODING: Type.Enum(['auto', 'raw', 'png', 'jpeg'], {
    default: 'auto',
    description:
      'Frames on the way to the engine: raw (least CPU) and png are exact, jpeg (quality 95, 4:4:4) is not. auto: raw if every address of ENGINE_URL is loopback or private, else png.',
  }),
  ENGINE_FRAME_SIDE: Type.Integer({
    minimum: 32,
    maximum: 4096,
    default: REFERENCE_SIDE,
    description:
      'Side of the square that frames are squashed to for vLLM: 244 as in the paper, less for a small model.',
  }),
  DEADLINE_S: Type.Number({
    exclusiveMinimum: 0,
    maximum: 86_400,
    default: 120,
    description: 'Longest time for one request, upload and waiting included.',
  }),
  UPLOAD_IDLE_S: Type.Number({
    exclusiveMinimum: 0,
    maximum: 3600,
    default: 15,
    description: 'Silence after which an upload is given up.',
  }),
  BATCH_DEADLINE_S: Type.Number({
    exclusiveMinimum: 0,
    maximum: 86_400,
    default: 600,
    description: 'The same for a batch of episodes.',
  }),
  MAX_BATCH_EPISODES: count(256, 'Episodes in one batch.'),
  MAX_BATCH_FRAMES: count(50_000, 'Frame files in one batch.'),
  MAX_FRAMES: count(10_000, 'Frames in one episode.'),
  MAX_FRAME_SIDE: count(8192, 'Width and height of one frame or video, read from its header before decoding.'),
  MAX_FRAME_PIXELS: count(4096 * 4096, 'Width × height of one frame, read from its header before decoding.'),
  MAX_FRAME_BYTES: count(32 * MiB, 'Bytes of one frame file.'),
  MAX_UPLOAD_BYTES: count(256 * MiB, 'Bytes of one request.'),
  MAX_JSON_BYTES: count(16 * MiB, 'Bytes of a JSON request, base64 included, and of the `batch` part of a form.'),
  UPLOAD_MEMORY_BYTES: count(1024 * MiB, 'Bytes of all uploads held at once; further requests wait unread.'),
  FRAME_MEMORY_BYTES: count(1024 * MiB, 'Bytes of rendered frames held at once; further episodes wait their turn.'),
  RECENT_FRAMES_BYTES: Type.Integer({
    minimum: 0,
    default: 256 * MiB,
    description: 'Bytes of uploaded frames of growing episodes that are kept for their next step.',
  }),
  MAX_ACTIVE: count(64, 'Episodes worked on at once; further requests wait unread.'),
  MAX_WAITING: Type.Integer({
    minimum: 0,
    default: 256,
    description: 'Requests that may wait; one more is answered 503.',
  }),
  RENDER_WORKERS: count(Math.min(8, availableParallelism()), 'Threads that decode, resize and encode frames.'),
  FFMPEG_DIR: Type.String({
    default: '',
    description: 'Folder of ffmpeg and ffprobe, 5.1 or newer, for videos. Empty: looked for on PATH.',
  }),
  VIDEO_PROCESSES: count(Math.min(2, availableParallelism()), 'Videos read or decoded at once; further ones wait.'),
  VIDEO_TIMEOUT_S: Type.Number({
    exclusiveMinimum: 0,
    maximum: 86_400,
    default: 60,
    description: 'Longest time for one run of ffprobe or ffmpeg.',
  }),
  SUCCESS_THRESHOLD: Type.Optional(
    Type.Number({
      maximum: 0,
      description: 'Threshold for requests that bring none. It belongs to one model, prompt and task.',
    }),
  ),
  FLAT_BELOW: Type.Optional(
    Type.Number({
      minimum: 0,
      description: 'A curve whose log probabilities span fewer nats is called flat.',
    }),
  ),
});

export interface Config extends Readonly<Omit<Static<typeof Environment>, 'API_KEYS' | 'ENGINE'>> {
  readonly ENGINE: 'vllm' | 'embedded';
  /** Where programs are looked for, folders with `:` between them. */
  readonly PATH: string;
  /** Tenant name by API key; empty when no key is asked for. */
  readonly tenants: ReadonlyMap<string, string>;
}

const checker = Compile(Environment);

/** The configuration of a program. A wrong variable ends the program, with one line on stderr for each. */
export function configOrExit(): Config {
  try {
    return loadConfig(process.env);
  } catch (error) {
    console.error((error as Error).message);
    process.exit(1);
  }
}

/**
 * Reads and checks the environment, once.
 * @throws Error with one line for each wrong variable
 */
export function loadConfig(env: Record<string, string | undefined>): Config {
  const values: Record<string, unknown> = {};
  for (const [name, schema] of Object.entries(
    Environment.properties as Record<string, { type?: string; default?: unknown }>,
  )) {
    const text = env[name];
    if (text === undefined || text === '') values[name] = schema.default;
    else values[name] = schema.type === 'integer' || schema.type === 'number' ? Number(text) : text;
    if (values[name] === undefined) delete values[name];
  }
  const mistaken = mistakenVariables(env, Object.keys(Environment.properties));
  if (!checker.Check(values)) throw wrong([...mistaken, ...checker.Errors(values).map(faultOf)]);
  const faults = [
    ...mistaken,
    ...urlFaults(values.ENGINE_URL),
    ...keyFaults(values.API_KEYS),
    ...hostFaults(values.ALLOWED_HOSTS),
  ];
  if (faults.length > 0) throw wrong(faults);
  const { API_KEYS, ...rest } = values;
  return Object.freeze({
    ...rest,
    ENGINE: rest.ENGINE ?? (env['ENGINE_URL'] ? 'vllm' : 'embedded'),
    MODEL_DIR: rest.MODEL_DIR || OWN_MODEL,
    ENGINE_URL: rest.ENGINE_URL.replace(/\/+$/, ''),
    SECRET: rest.SECRET || randomBytes(32).toString('hex'),
    PATH: env['PATH'] ?? '',
    tenants: new Map(keyEntries(API_KEYS).map(([name, key]) => [key, name])),
  });
}

function wrong(faults: string[]): Error {
  return new Error(faults.map((fault) => `Configuration: ${fault}`).join('\n'));
}

interface CheckerError {
  keyword: string;
  instancePath: string;
  message: string;
  params: object;
}

function faultOf({ instancePath, keyword, params, message }: CheckerError): string {
  const name = instancePath.slice(1);
  const { allowedValues, type } = params as { allowedValues?: string[]; type?: string };
  if (allowedValues) return `${name} must be one of ${allowedValues.join(', ')}.`;
  if (keyword === 'type') return `${name} must be ${type === 'integer' ? 'a whole number' : 'a number'}.`;
  return `${name} ${message}.`;
}

function urlFaults(url: string): string[] {
  if (URL.canParse(url) && /^https?:$/.test(new URL(url).protocol)) return [];
  return ['ENGINE_URL must be an http or https URL, like http://127.0.0.1:8000.'];
}

function hostFaults(text: string): string[] {
  const odd = allowedNames(text).filter((name) => name !== '*' && !/^\.?[\w-]+(\.[\w-]+)*$/.test(name));
  return odd.length === 0 ? [] : ['ALLOWED_HOSTS takes names without scheme, port and path, like robots.example.com.'];
}

function keyFaults(text: string): string[] {
  const entries = keyEntries(text);
  if (entries.some(([name, key]) => name === '' || key.length < 16))
    return ['API_KEYS takes name=key pairs, keys of 16 characters or more.'];
  return new Set(entries.map(([, key]) => key)).size < entries.length ? ['API_KEYS gives one key to two tenants.'] : [];
}

/** Name and key of each entry; the name is empty where the entry has none. */
function keyEntries(text: string): [name: string, key: string][] {
  const entries = text.split(',').filter((entry) => entry.trim() !== '');
  return entries.map((entry) => {
    const at = Math.max(0, entry.indexOf('='));
    return [entry.slice(0, at).trim(), entry.slice(at + 1).trim()];
  });
}
