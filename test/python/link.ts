import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import type { Test } from 'tap';

/** A proxy between a client and the service. It records the bytes of the client, and its connection can break once. */
export interface Link {
  address: string;
  /** All bytes that were passed on to the service, connection by connection. */
  upstream(): Buffer;
  /** Number of all bytes that the client sent, including lost ones. */
  taken(): number;
  broken(): boolean;
}

/** When a link breaks, and when it accepts connections again. */
export interface Break {
  /** after this number of bytes from the client */
  at: number;
  /** settles when the link may accept connections again */
  mended(arrived: Buffer): Promise<void>;
}

/** Starts a link to a service. It breaks like a radio link: the service is not notified at first. */
export async function linkTo(t: Test, target: string, fault?: Break): Promise<Link> {
  const { hostname, port } = new URL(target);
  const arrived: Buffer[] = [];
  const sockets = new Set<Socket>();
  let taken = 0;
  let passed = 0;
  let mended: Promise<void> | undefined;

  function take(chunk: Buffer, client: Socket, service: Socket) {
    taken += chunk.length;
    const breaks = fault && !mended && passed + chunk.length >= fault.at;
    const piece = breaks ? chunk.subarray(0, fault.at - passed) : chunk;
    passed += piece.length;
    arrived.push(piece);
    service.write(piece);
    if (!breaks) return;
    client.removeAllListeners('data').removeAllListeners('close').resetAndDestroy();
    mended = fault.mended(Buffer.concat(arrived)).finally(() => service.destroy());
  }

  const server = createServer(async (client) => {
    client.on('error', () => {});
    await mended;
    const service = connect(Number(port), hostname);
    service.on('error', () => client.destroy());
    for (const socket of [client, service]) {
      sockets.add(socket);
      socket.once('close', () => sockets.delete(socket));
    }
    client.on('data', (chunk: Buffer) => take(chunk, client, service));
    client.once('close', () => service.destroy());
    service.on('data', (chunk) => client.write(chunk));
    service.once('close', () => client.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return {
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    upstream: () => Buffer.concat(arrived),
    taken: () => taken,
    broken: () => mended !== undefined,
  };
}

/** How often `piece` occurs in `whole`. */
export function occurrences(piece: Buffer, whole: Buffer): number {
  let count = 0;
  for (let at = whole.indexOf(piece); at >= 0; at = whole.indexOf(piece, at + piece.length)) count += 1;
  return count;
}
