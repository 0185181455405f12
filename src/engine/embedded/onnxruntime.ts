/**
 * Loads onnxruntime-node with its telemetry off. Left alone, its native library looks up a host of its maker, keeps a device
 * id and a queue of events in the user's cache folder, and writes log files to the temporary folder.
 *
 * The native library reads the variable from the process, not from a worker's copy of the environment: a thread that calls
 * this must have been started with SHARE_ENV.
 */
export async function loadOnnxruntime() {
  process.env['ORT_DISABLE_TELEMETRY'] = '1';
  return (await import('onnxruntime-node')).default;
}
