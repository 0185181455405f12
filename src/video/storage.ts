import { once } from 'node:events';
import type { Stats } from 'node:fs';
import { lstat, mkdtemp, readdir, rm } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FastifyBaseLogger } from 'fastify';
import { ProblemError, type ProblemPlace } from '../problems.ts';

/** Where this process keeps uploads: a folder of its own under TMPDIR, made with the first of them. */
export interface UploadStorage {
  /**
   * Makes an empty folder for one upload.
   * @throws whatever the file system throws
   */
  makeFolder(): Promise<string>;
  /** Removes all that is left. */
  close(): Promise<void>;
}

interface OwnFolder {
  path: string;
  /** listens for as long as this process lives */
  alive: Server | undefined;
}

const PREFIX = 'topreward-';
const NAME = /^topreward-[A-Za-z0-9]{6}$/;
/** A socket in the folder. The kernel takes connections to it while its process lives, in whatever container, and refuses them afterwards. */
const ALIVE = 'alive';
/** Longest path of a socket on Linux and macOS. */
const MAX_SOCKET_PATH = 103;
/** A folder without a socket is just being made, or its process could not make one. */
const ABANDONED_MS = 24 * 60 * 60 * 1000;
const RETRY_AFTER_S = 5;

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
        // Some systems clean TMPDIR of what has not been used for days.
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

/** @returns undefined where the path is too long or the file system holds no sockets */
async function listen(path: string): Promise<Server | undefined> {
  if (Buffer.byteLength(path) > MAX_SOCKET_PATH) return undefined;
  const server = createServer((socket) => socket.destroy()).listen(path);
  // A connection that cannot be taken is one that somebody asked for to see whether there is anybody.
  server.on('error', () => undefined).unref();
  return once(server, 'listening').then(
    () => server,
    () => undefined,
  );
}

/**
 * Removes what processes have left behind that were killed. Folders of processes that still run, here or in another container
 * with the same TMPDIR, are left alone, and so are those of other users.
 */
export async function sweepUploads(log: FastifyBaseLogger): Promise<void> {
  const root = tmpdir();
  const names = await readdir(root).catch((error: NodeJS.ErrnoException) => {
    log.warn({ fault: error.code }, 'TMPDIR cannot be read: videos are refused until it can');
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

/** @returns undefined where somebody listens, else the error's code */
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

/** Removes a folder, or leaves what cannot be removed to the next start. */
export async function removeFolder(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true }).catch(() => undefined);
}

/**
 * Waits for work with a file of an upload.
 * @throws ProblemError storage-unavailable where the file system fails; the signal's reason when it aborts
 */
export async function onDisk<Result>(work: Promise<Result>, place: ProblemPlace, signal: AbortSignal): Promise<Result> {
  try {
    return await work;
  } catch (error) {
    signal.throwIfAborted();
    if (codeOf(error) === undefined) throw error;
    const detail =
      'The service cannot store the video now: its disk is full or cannot be used. Try again later, or send the frames instead.';
    throw new ProblemError('storage-unavailable', detail, { ...place, retry_after_s: RETRY_AFTER_S }, error);
  }
}

/** The code of an error of the system, such as ENOSPC. */
function codeOf(error: unknown): string | undefined {
  const { errno, code } = error as NodeJS.ErrnoException;
  return errno === undefined ? undefined : code;
}
