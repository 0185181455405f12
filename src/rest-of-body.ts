import type { IncomingMessage, Server, ServerResponse } from 'node:http';

/** Longest time that the rest of an answered request's body is taken in for, ms. */
const REST_MS = 5_000;

/** Most bytes that are taken in of it. */
const REST_BYTES = 64 * 1024 * 1024;

/**
 * Closes connections that go on sending a body after its request has been answered. Clients that send all of it before they
 * read the answer (Python's http.client) get it nevertheless, as long as they are done within these bounds: a connection
 * that is closed while bytes arrive can take the answer along.
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
  // A listener for its own bytes: those of the request have been given away unread.
  socket.on('data', check);
  socket.once('close', stop);
}
