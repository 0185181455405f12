import process from 'node:process';

/**
 * What the allocator of Linux (glibc) and V8 read when a process starts, and never again. By default every thread has a heap
 * of its own, which keeps the pieces between decoded pictures, and V8 lets megabytes of text and buffers wait for its
 * collector: 64 uploads at once then take half as much memory again.
 */
const ALLOCATOR = {
  MALLOC_ARENA_MAX: '1',
  // Larger pieces go back to the system as soon as they are free. In bytes. With less, every decoded frame would come as new
  // pages: a tenth of the time.
  MALLOC_MMAP_THRESHOLD_: '1048576',
};
/** In MiB, and in per cent above what is alive: how much may wait for the collector. Less costs more time than it saves. */
const V8 = ['--max-semi-space-size=4', '--initial-old-space-size=32', '--heap-growing-percent=60'];

/**
 * Starts this process anew, under its own number and with all that it was given, where its memory is not yet set up. An
 * operator who sets MALLOC_ARENA_MAX is not overruled.
 */
export function restartLean(): void {
  const { env, execPath, execArgv, argv } = process;
  if (process.platform !== 'linux' || !process.execve || env['MALLOC_ARENA_MAX'] !== undefined) return;
  process.execve(execPath, [execPath, ...execArgv, ...V8, ...argv.slice(1)], { ...env, ...ALLOCATOR });
}
