import { once } from 'node:events';
import { Agent, get, type IncomingMessage } from 'node:http';
import { connect, type Socket } from 'node:net';
import t, { type Test } from 'tap';
import { buildTestApp, listen, whenLoad } from '../support/app.ts';

const GET = 'GET /docs/scalar.js HTTP/1.1\r\nHost: localhost\r\n\r\n';
const BODY = JSON.stringify({ episodes: [{ success: true, score: -1 }] });
const POST = `POST /v1/calibrations HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ${BODY.length}\r\n\r\n${BODY}`;

/** A client that sends text and reads nothing. */
async function unreading(t: Test, port: number, text: string): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  t.teardown(() => socket.destroy());
  await once(socket, 'connect');
  socket.pause();
  socket.write(text);
  return socket;
}

t.test('a connection with many requests and no response read is closed', { timeout: 20_000 }, async (t) => {
  const app = await buildTestApp(t);
  const connections = () => new Promise<number>((resolve) => app.server.getConnections((_, count) => resolve(count)));
  const port = await listen(app);
  await unreading(t, port, GET.repeat(8));
  for (const count of [9, 1000]) {
    const accepted: Promise<unknown[]> = once(app.server, 'connection');
    await unreading(t, port, GET.repeat(count));
    const [socket] = (await accepted) as [Socket];
    if (!socket.closed) await once(socket, 'close');
    t.equal(await connections(), 1, `the one with ${count} requests is closed, the one with eight stays open`);
  }
});

t.test('a connection that reads its responses can have any number of requests', { timeout: 20_000 }, async (t) => {
  const port = await listen(await buildTestApp(t));
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  t.teardown(() => agent.destroy());
  const sockets = new Set<unknown>();
  for (let sent = 0; sent < 20; sent += 1) {
    const request = get({ port, path: '/health/live', agent });
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    t.equal(response.statusCode, 200);
    await response.resume().toArray();
    sockets.add(request.socket);
  }
  t.equal(sockets.size, 1, 'all requests use one connection');
});

t.test('a response that is not read holds its place for a limited time', { timeout: 30_000 }, async (t) => {
  const app = await buildTestApp(t, { DEADLINE_S: 1 });
  const socket = await unreading(t, await listen(app), `${GET}${POST.repeat(3)}`);
  await whenLoad(app, { active: 3 });
  await whenLoad(app, { active: 0, waiting: 0, bytes: 0 });
  socket.resume();
  if (!socket.closed) await once(socket, 'close');
});
