import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import t, { type Test } from 'tap';
import { createClient, type VllmClient } from '../../../src/engines/vllm/client.ts';
import { VERSION } from '../../../src/engines/vllm/responses.ts';

const MiB = 1024 * 1024;

async function start(t: Test, server: Server): Promise<VllmClient> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const client = createClient({ url: `http://127.0.0.1:${port}`, apiKey: '', connections: 2 });
  t.teardown(async () => {
    await client.close();
    server.closeAllConnections();
    server.close();
  });
  return client;
}

const ANSWER = JSON.stringify({ version: '0.32.0' });

const reading = () =>
  createServer(async (request, response) => {
    for await (const _ of request);
    response.setHeader('content-type', 'application/json');
    response.end(ANSWER);
  });

/** Sends bodies one after another. @returns the connections that wrote them */
async function connectionsOf(t: Test, bodies: number, change: (socket: Socket) => void = () => {}): Promise<Socket[]> {
  const client = await start(t, reading());
  const sockets: Socket[] = [];
  const note = (message: unknown) => {
    const { socket } = message as { socket: Socket };
    change(socket);
    sockets.push(socket);
  };
  subscribe('undici:client:sendHeaders', note);
  t.teardown(() => unsubscribe('undici:client:sendHeaders', note));
  const chunk = Buffer.alloc(MiB, 'x');
  const chunks = function* () {
    for (let i = 0; i < 3; i += 1) yield chunk;
  };
  const body = { bytes: 3 * chunk.length, chunks };
  for (let i = 0; i < bodies; i += 1)
    t.same(await client.post('/v1/x', body, VERSION, new AbortController().signal), { version: '0.32.0' });
  return sockets;
}

t.test(
  'a connection that still writes a body when the response arrives is closed, so nothing reads the body later',
  async (t) => {
    const stuck = (socket: Socket) => Object.defineProperty(socket, 'writableLength', { value: 1 });
    const [socket] = await connectionsOf(t, 1, stuck);
    t.equal(socket?.destroyed, true);
  },
);

t.test('a connection whose body is completely written stays open', async (t) => {
  const sockets = await connectionsOf(t, 5);
  t.equal(sockets.length, 5);
  for (const { destroyed } of sockets) t.equal(destroyed, false);
});
