import type { IncomingMessage, Server, ServerResponse } from 'node:http';

/** For how long the rest of a body is read after the response, ms. */
const REST_MS = 5_000;

/** How many bytes of it are read at most. */
const REST_BYTES = 64 * 1024 * 1024;

/**
 * Closes connections that continue to send a body after the response. Within the limits above the rest is read, because some
 * clients send the complete body before they read the response (Python's http.client). If a connection is closed while bytes
 * arrive, the client can lose the response.
 */
export function boundRestOfBodies(server: Server): void {
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    response.once('finish', () => boundRest(request));
  });
}

function boundRest(request: IncomingMessage): void {
  const { socket } = request;
  if (request.complete || socket.destroyed) return;
  const before = socket.bytesRead;
  const check = () => {
    if (request.complete) stop();
    else if (socket.bytesRead - before > REST_BYTES) socket.destroy();
  };
  const timer = setTimeout(() => request.complete || socket.destroy(), REST_MS);
  const stop = () => {
    clearTimeout(timer);
    socket.off('data', check);
    socket.off('close', stop);
  };
  // Listens to the socket, because the request discards its bytes without an event.
  socket.on('data', check);
  socket.once('close', stop);
}
