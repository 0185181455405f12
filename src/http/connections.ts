import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** Requests of one connection that have no complete response yet. HTTP clients send one at a time. */
const MOST_AT_ONCE = 8;

/**
 * Closes connections that send many requests without reading the responses. Node starts all of them at once, and each holds its
 * response until those before it have been read.
 */
export function limitPipelining(server: Server): void {
  const open = new WeakMap<Socket, number>();
  const add = (socket: Socket, change: number) => {
    const count = (open.get(socket) ?? 0) + change;
    open.set(socket, count);
    return count;
  };
  // First of all listeners, so that the app can see that the connection is closed.
  server.prependListener('request', ({ socket }: IncomingMessage, response: ServerResponse) => {
    response.once('close', () => add(socket, -1));
    if (add(socket, 1) > MOST_AT_ONCE) socket.destroy();
  });
}
