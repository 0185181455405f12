import { once } from 'node:events';
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
  await unreading(t, port, GET.repeat(1000));
  while ((await connections()) !== 1) await new Promise(setImmediate);
  t.pass('the connection with eight requests stays open');
});

t.test('a response that is not read holds its place for a limited time', { timeout: 30_000 }, async (t) => {
  const app = await buildTestApp(t, { DEADLINE_S: 1 });
  const socket = await unreading(t, await listen(app), `${GET}${POST.repeat(3)}`);
  await whenLoad(app, { active: 3 });
  await whenLoad(app, { active: 0, waiting: 0, bytes: 0 });
  socket.resume();
  if (!socket.closed) await once(socket, 'close');
});
