import { once } from 'node:events';
import type { Stats } from 'node:fs';
import { lstat, mkdtemp, readdir, rm } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FastifyBaseLogger } from 'fastify';
import { ProblemError, type ProblemPlace } from '../problems/problems.ts';
import { RETRY_AFTER_S } from '../problems/retry-after.ts';

/** The folder in which this process stores uploads. It is under TMPDIR, and created with the first upload. */
export interface UploadStorage {
  /**
   * Makes an empty folder for one upload.
   * @throws errors of the file system
   */
  makeFolder(): Promise<string>;
  /** Removes the folder and everything in it. */
  close(): Promise<void>;
}

interface OwnFolder {
  path: string;
  /** server on the socket `ALIVE`: listens while this process runs */
  alive: Server | undefined;
}

const PREFIX = 'topreward-';
const NAME = /^topreward-[A-Za-z0-9]{6}$/;
/**
 * Name of a socket in the folder. The kernel accepts connections to it while its process runs, even in another
 * container, and refuses them afterwards.
 */
const ALIVE = 'alive';
/** Longest path of a socket on Linux and macOS, in bytes. */
const MAX_SOCKET_PATH = 103;
/**
 * A folder without a socket is removed after this time. Either its socket does not exist yet, or it could not be made.
 */
const ABANDONED_MS = 24 * 60 * 60 * 1000;

/** Creates a storage. It makes no folder before the first upload. */
export function createUploadStorage(): UploadStorage {
  let own: Promise<OwnFolder> | undefined;

  function ownFolder(): Promise<OwnFolder> {
    own ??= makeOwnFolder().catch((error) => {
      own = undefined;
      throw error;
    });
    return own;
  }

  return {
    async makeFolder() {
      const { path } = await ownFolder();
      try {
        return await mkdtemp(join(path, 'upload-'));
      } catch (error) {
        if (codeOf(error) !== 'ENOENT') throw error;
        // Some systems remove old files from TMPDIR. Then make a new folder.
        await this.close();
        return mkdtemp(join((await ownFolder()).path, 'upload-'));
      }
    },
    async close() {
      const folder = await own?.catch(() => undefined);
      own = undefined;
      if (!folder) return;
      folder.alive?.close();
      await removeFolder(folder.path);
    },
  };
}

async function makeOwnFolder(): Promise<OwnFolder> {
  const path = await mkdtemp(join(tmpdir(), PREFIX));
  return { path, alive: await listen(join(path, ALIVE)) };
}

/** @returns undefined if the path is too long or the file system does not support sockets */
async function listen(path: string): Promise<Server | undefined> {
  if (Buffer.byteLength(path) > MAX_SOCKET_PATH) return undefined;
  const server = createServer((socket) => socket.destroy()).listen(path);
  // Another process only connects to check that this one runs, so a connection that fails needs no action.
  server.on('error', () => undefined).unref();
  return once(server, 'listening').then(
    () => server,
    () => undefined,
  );
}

/**
 * Removes the uploads of processes that were killed. Keeps folders of processes that still run, here or in another
 * container with the same TMPDIR, and folders of other users.
 */
export async function sweepUploads(log: FastifyBaseLogger): Promise<void> {
  const root = tmpdir();
  const names = await readdir(root).catch((error: NodeJS.ErrnoException) => {
    log.warn({ fault: error.code }, 'TMPDIR cannot be read: videos are refused until it is readable');
    return [];
  });
  for (const name of names.filter((name) => NAME.test(name))) {
    const path = join(root, name);
    if (!(await isAbandoned(path))) continue;
    await removeFolder(path);
    log.info({ folder: name }, 'removed the uploads of a process that was killed');
  }
}

async function isAbandoned(path: string): Promise<boolean> {
  const stats = await lstat(path).catch((): Stats | undefined => undefined);
  if (!stats?.isDirectory() || stats.uid !== process.getuid?.()) return false;
  const fault = await connectionFault(join(path, ALIVE));
  if (fault === 'ENOENT') return Date.now() - stats.mtimeMs > ABANDONED_MS;
  return fault === 'ECONNREFUSED';
}

/** @returns undefined if a process listens, otherwise the code of the error */
async function connectionFault(path: string): Promise<string | undefined> {
  if (Buffer.byteLength(path) > MAX_SOCKET_PATH) return 'ENOENT';
  return new Promise((resolve) => {
    const socket = connect(path, () => {
      socket.destroy();
      resolve(undefined);
    });
    socket.once('error', (error) => resolve(codeOf(error)));
  });
}

/** Removes a folder. What cannot be removed stays until the next start. */
export async function removeFolder(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true }).catch(() => undefined);
}

/**
 * Waits for a file operation of an upload.
 * @throws ProblemError storage-unavailable if the file system fails; the signal's reason when it aborts
 */
export async function onDisk<Result>(work: Promise<Result>, place: ProblemPlace, signal: AbortSignal): Promise<Result> {
  try {
    return await work;
  } catch (error) {
    signal.throwIfAborted();
    if (codeOf(error) === undefined) throw error;
    const detail =
      'The service cannot store the video: its disk is full or not usable. Try again later, or send the frames as images.';
    throw new ProblemError('storage-unavailable', detail, { ...place, retry_after_s: RETRY_AFTER_S.machine }, error);
  }
}

/** The code of a system error, such as ENOSPC; undefined for other errors. */
function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error && 'errno' in error && 'code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}
