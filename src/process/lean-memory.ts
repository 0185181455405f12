import process from 'node:process';

/**
 * Settings of the Linux allocator (glibc). Both the allocator and V8 read their settings only when a process starts.
 * With the defaults, 64 simultaneous uploads take half as much memory again: every thread has a heap of its own, which
 * keeps the free space between decoded frames, and megabytes of text and buffers wait for V8's garbage collector.
 */
const ALLOCATOR = {
  MALLOC_ARENA_MAX: '1',
  // In bytes. Larger allocations return to the system as soon as they are freed. With a smaller threshold every decoded
  // frame would need new pages, which costs a tenth of the time.
  MALLOC_MMAP_THRESHOLD_: '1048576',
};
/**
 * How much memory may wait for V8's garbage collector, in MiB and in per cent of the live memory. Less costs too much
 * time.
 */
const V8 = ['--max-semi-space-size=4', '--initial-old-space-size=32', '--heap-growing-percent=60'];

/**
 * Restarts this process with these memory settings. Its process id, arguments and other environment variables stay the
 * same. Does nothing on other systems than Linux, or if MALLOC_ARENA_MAX is set: after the restart, or by the operator.
 */
export function restartLean(): void {
  const { env, execPath, execArgv, argv } = process;
  if (process.platform !== 'linux' || !process.execve || env['MALLOC_ARENA_MAX'] !== undefined) return;
  process.execve(execPath, [execPath, ...execArgv, ...V8, ...argv.slice(1)], { ...env, ...ALLOCATOR });
}
