/**
 * Loads onnxruntime-node with telemetry disabled. With telemetry, its native library looks up a host of its vendor,
 * keeps a device id and a queue of events in the user's cache folder, and writes log files to the temporary folder.
 *
 * The native library reads the variable from the environment of the process, not from a worker's copy. So a thread that
 * calls this function must be started with SHARE_ENV.
 */
export async function loadOnnxruntime() {
  process.env['ORT_DISABLE_TELEMETRY'] = '1';
  return (await import('onnxruntime-node')).default;
}
