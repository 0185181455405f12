import { randomBytes } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { type Static, Type } from 'typebox';
import { Compile } from 'typebox/compile';
import { Default } from 'typebox/value';
import { DEFAULT_PROFILE, REFERENCE_SIDE } from '../../schemas/defaults.ts';
import { type CheckerError, requirement } from '../checking/field-errors.ts';
import { allowedNames } from './allowed-hosts.ts';
import { mistakenVariables } from './mistaken-variables.ts';

const MiB = 1024 * 1024;
/** The folder of the bundled model. */
const OWN_MODEL = fileURLToPath(new URL('../../models/topreward-pico', import.meta.url));
const count = (fallback: number, description: string) => Type.Integer({ minimum: 1, default: fallback, description });

/** The environment variables that the service reads, with types and defaults. A test compares the page of the docs with them. */
export const Environment = Type.Object({
  HOST: Type.String({ default: '127.0.0.1', description: 'Address to listen on. 0.0.0.0 means all addresses.' }),
  PORT: Type.Integer({
    minimum: 0,
    maximum: 65535,
    default: 8080,
    description: 'Port to listen on. 0 selects a free port.',
  }),
  LOG_LEVEL: Type.Enum(['fatal', 'error', 'warn', 'info', 'debug', 'silent'], {
    default: 'info',
    description: 'Lowest level of the log lines that are written.',
  }),
  API_KEYS: Type.String({
    default: '',
    description:
      'Tenants and their keys, `name=key,name=key`. Empty: no key is required, and all requests are of one tenant.',
  }),
  ALLOWED_HOSTS: Type.String({
    default: '',
    description: 'Further host names that the service accepts, `name,.domain`. `*` means all.',
  }),
  SECRET: Type.String({
    default: '',
    description:
      'Secret from which the names of frames in engine caches are computed. Empty: random at each start. Set the same on all replicas.',
  }),
  ENGINE: Type.Optional(
    Type.Enum(['vllm', 'embedded'], {
      description:
        'What runs the model: vLLM, or the embedded engine in this process. Unset: vllm if ENGINE_URL is set, else embedded.',
    }),
  ),
  MODEL_DIR: Type.String({
    default: '',
    description: 'Folder of the exported checkpoint for the embedded engine. Empty: models/topreward-pico.',
  }),
  EMBEDDED_THREADS: count(Math.min(4, availableParallelism()), 'Threads of the embedded engine.'),
  EMBEDDED_CACHE_BYTES: Type.Integer({
    minimum: 0,
    default: 256 * MiB,
    description: 'Bytes of keys and values that the embedded engine keeps for growing episodes.',
  }),
  ENGINE_URL: Type.String({ default: 'http://127.0.0.1:8000', description: 'URL of vLLM (used with ENGINE=vllm).' }),
  ENGINE_API_KEY: Type.String({ default: '', description: "The value of vLLM's --api-key, if it is set." }),
  ENGINE_MODEL: Type.String({ default: '', description: 'Served model to use. Empty: the first one.' }),
  MODEL_PROFILE: Type.String({
    default: DEFAULT_PROFILE,
    description:
      'How the model receives frames, by the name of a profile or the path of a .json file (used with ENGINE=vllm). docs/models.md lists them.',
  }),
  ENGINE_CONCURRENCY: count(32, 'Concurrent requests to the engine, over all episodes.'),
  ENGINE_FRAME_ENCODING: Type.Enum(['auto', 'raw', 'png', 'jpeg'], {
    default: 'auto',
    description:
      'Encoding of frames sent to the engine. Exact: raw (least CPU) and png. Not exact: jpeg (quality 95, 4:4:4). The default, auto, is raw if every address of ENGINE_URL is loopback or private, else png.',
  }),
  ENGINE_FRAME_SIDE: Type.Integer({
    minimum: 32,
    maximum: 4096,
    default: REFERENCE_SIDE,
    description: `Side of the square to which frames are resized for vLLM, px. ${REFERENCE_SIDE} as in the reference, less for a small model.`,
  }),
  ENGINE_REPLICAS: count(
    1,
    'Engines behind ENGINE_URL. With several, one that fails does not make the service unready.',
  ),
  ENGINE_SESSION_HEADER: Type.String({
    default: 'x-session-id',
    description:
      'Header with the name of an episode, by which a router selects an engine: x- and letters, digits or hyphens.',
  }),
  DEADLINE_S: Type.Number({
    exclusiveMinimum: 0,
    maximum: 86_400,
    default: 120,
    description: 'Time limit of one request, including waiting and upload.',
  }),
  UPLOAD_IDLE_S: Type.Number({
    exclusiveMinimum: 0,
    maximum: 3600,
    default: 15,
    description: 'An upload from which no byte arrives for this time is ended.',
  }),
  BATCH_DEADLINE_S: Type.Number({
    exclusiveMinimum: 0,
    maximum: 86_400,
    default: 600,
    description: 'Time limit of one batch, including waiting and upload.',
  }),
  MAX_BATCH_EPISODES: count(256, 'Episodes in one batch.'),
  MAX_BATCH_FRAMES: count(50_000, 'Frame files in one batch.'),
  MAX_FRAMES: count(10_000, 'Frames in one episode.'),
  MAX_FRAME_SIDE: count(8192, 'Width and height of one frame or video, px, read from its header before decoding.'),
  MAX_FRAME_PIXELS: count(4096 * 4096, 'Width × height of one frame, read from its header before decoding.'),
  MAX_FRAME_BYTES: count(32 * MiB, 'Bytes of one frame file.'),
  MAX_UPLOAD_BYTES: count(256 * MiB, 'Bytes of one request.'),
  MAX_JSON_BYTES: count(16 * MiB, 'Bytes of a JSON request, base64 included, and of the `batch` part of a form.'),
  UPLOAD_MEMORY_BYTES: count(
    1024 * MiB,
    'Memory of all uploads together, bytes. Further requests wait to be admitted.',
  ),
  FRAME_MEMORY_BYTES: count(1024 * MiB, 'Memory of all rendered frames together, bytes. Further episodes wait.'),
  RECENT_FRAMES_BYTES: Type.Integer({
    minimum: 0,
    default: 256 * MiB,
    description: 'Bytes of uploaded frames of growing episodes that are kept for their next step.',
  }),
  MAX_ACTIVE: count(64, 'Requests that are processed at once. Further requests wait to be admitted.'),
  MAX_WAITING: Type.Integer({
    minimum: 0,
    default: 256,
    description: 'Requests that may wait to be admitted. One more is refused with status 503.',
  }),
  RENDER_WORKERS: count(Math.min(8, availableParallelism()), 'Threads that decode, resize and encode frames.'),
  FFMPEG_DIR: Type.String({
    default: '',
    description: 'Folder of ffmpeg and ffprobe, 5.1 or newer, for videos. Empty: the service searches PATH.',
  }),
  VIDEO_PROCESSES: count(Math.min(2, availableParallelism()), 'Videos read or decoded at once. Further videos wait.'),
  VIDEO_TIMEOUT_S: Type.Number({
    exclusiveMinimum: 0,
    maximum: 86_400,
    default: 60,
    description: 'Time limit of one run of ffprobe or ffmpeg.',
  }),
  SUCCESS_THRESHOLD: Type.Optional(
    Type.Number({
      maximum: 0,
      description: 'Threshold for requests that have none. It belongs to one model, prompt and task.',
    }),
  ),
  FLAT_BELOW: Type.Optional(
    Type.Number({
      minimum: 0,
      description: 'A curve is flat if its log probabilities span fewer nats than this.',
    }),
  ),
});

/** The checked configuration, with every default filled in. */
export interface Config extends Readonly<Omit<Static<typeof Environment>, 'API_KEYS' | 'ENGINE'>> {
  readonly ENGINE: 'vllm' | 'embedded';
  /** Folders in which programs are searched, separated by `:`. */
  readonly PATH: string;
  /** Tenant names by API key; empty if no key is required. */
  readonly tenants: ReadonlyMap<string, string>;
}

const checker = Compile(Environment);

/** Reads the configuration of a program. Wrong variables end the program, with one line on stderr for each. */
export function configOrExit(): Config {
  try {
    return loadConfig(process.env);
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exit(1);
  }
}

/**
 * Reads and checks the environment.
 * @returns a frozen object
 * @throws Error with one line for each wrong variable
 */
export function loadConfig(env: Record<string, string | undefined>): Config {
  const values = Default(Environment, given(env));
  const mistaken = mistakenVariables(env, Object.keys(Environment.properties));
  if (!checker.Check(values)) throw wrong([...mistaken, ...checker.Errors(values).map(faultOf)]);
  const faults = [
    ...mistaken,
    ...urlFaults(values.ENGINE_URL),
    ...headerFaults(values.ENGINE_SESSION_HEADER),
    ...keyFaults(values.API_KEYS),
    ...hostFaults(values.ALLOWED_HOSTS),
    ...engineFaults(env),
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

/**
 * The variables of the service that are set, numbers as numbers. TypeBox's own `Convert` would accept wrong values: it cuts
 * 1.5 to 1 for a whole number, and reads `true` as 1.
 */
function given(env: Record<string, string | undefined>): Record<string, unknown> {
  const set = Object.entries(Environment.properties).filter(([name]) => env[name]);
  return Object.fromEntries(
    set.map(([name, schema]) => [name, 'type' in schema && schema.type !== 'string' ? Number(env[name]) : env[name]]),
  );
}

function wrong(faults: string[]): Error {
  return new Error(faults.map((fault) => `Configuration: ${fault}`).join('\n'));
}

function faultOf(error: CheckerError): string {
  return `${error.instancePath.slice(1)} ${requirement(error)}.`;
}

function urlFaults(url: string): string[] {
  if (URL.canParse(url) && /^https?:$/.test(new URL(url).protocol)) return [];
  return ['ENGINE_URL must be an http or https URL, like http://127.0.0.1:8000.'];
}

/** A header of another kind could replace one that the service or the engine needs. */
function headerFaults(name: string): string[] {
  if (/^x-[0-9a-z-]{1,62}$/i.test(name)) return [];
  return ['ENGINE_SESSION_HEADER must be x- and letters, digits or hyphens, like x-session-id.'];
}

/** If neither ENGINE nor ENGINE_URL is set, the embedded engine starts, and would ignore the model. */
function engineFaults(env: Record<string, string | undefined>): string[] {
  if (env['ENGINE'] || env['ENGINE_URL']) return [];
  const set = ['ENGINE_MODEL', 'MODEL_PROFILE'].filter((name) => env[name]);
  return set.map((name) => `${name} is for vLLM. Set ENGINE_URL to its address, or remove ${name}.`);
}

function hostFaults(text: string): string[] {
  const odd = allowedNames(text).filter((name) => name !== '*' && !/^\.?[\w-]+(\.[\w-]+)*$/.test(name));
  return odd.length === 0 ? [] : ['ALLOWED_HOSTS must be names without scheme, port or path, like robots.example.com.'];
}

function keyFaults(text: string): string[] {
  const entries = keyEntries(text);
  if (entries.some(([name, key]) => name === '' || key.length < 16))
    return ['API_KEYS must be name=key pairs, with keys of 16 characters or more.'];
  return new Set(entries.map(([, key]) => key)).size < entries.length
    ? ['API_KEYS has the same key for two tenants.']
    : [];
}

/** Name and key of each entry. The name is empty if the entry has none. */
function keyEntries(text: string): [name: string, key: string][] {
  const entries = text.split(',').filter((entry) => entry.trim() !== '');
  return entries.map((entry) => {
    const at = Math.max(0, entry.indexOf('='));
    return [entry.slice(0, at).trim(), entry.slice(at + 1).trim()];
  });
}
