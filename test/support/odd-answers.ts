import type { ServerResponse } from 'node:http';
import { gzipSync } from 'node:zlib';

/** Text of an engine that must never reach a caller. */
export const ENGINE_WORDS = 'zebra of the engine';

/** Sends a response that the service must refuse. */
export type OddAnswer = (response: ServerResponse, document: object) => unknown;

const JSON_TYPE = { 'content-type': 'application/json' };
const html = `<html><body>${ENGINE_WORDS}</body></html>`;

/** Complete responses that are invalid, whatever the document is. */
export const ODD_ANSWERS: Record<string, OddAnswer> = {
  'a redirect': (response) => response.writeHead(302, { location: '/elsewhere' }).end(ENGINE_WORDS),
  'no content': (response) => response.writeHead(204).end(),
  'status 202': (response, document) => response.writeHead(202, JSON_TYPE).end(JSON.stringify(document)),
  'an empty body': (response) => response.writeHead(200, JSON_TYPE).end(),
  'half a document': (response, document) =>
    response.writeHead(200, JSON_TYPE).end(JSON.stringify(document).slice(0, -5)),
  'a compressed body': (response, document) =>
    response.writeHead(200, { ...JSON_TYPE, 'content-encoding': 'gzip' }).end(gzipSync(JSON.stringify(document))),
  'another content type': (response, document) =>
    response.writeHead(200, { 'content-type': 'text/plain' }).end(JSON.stringify(document)),
  'no content type': (response, document) => response.writeHead(200).end(JSON.stringify(document)),
  null: (response) => response.writeHead(200, JSON_TYPE).end('null'),
  'a list': (response, document) => response.writeHead(200, JSON_TYPE).end(JSON.stringify([document])),
  'a text': (response) => response.writeHead(200, JSON_TYPE).end(JSON.stringify(ENGINE_WORDS)),
  'an empty object': (response) => response.writeHead(200, JSON_TYPE).end('{}'),
  'HTML with status 200': (response) => response.writeHead(200, { 'content-type': 'text/html' }).end(html),
  'HTML with the content type of JSON': (response) => response.writeHead(200, JSON_TYPE).end(html),
  'invalid UTF-8': (response, document) => {
    const bytes = Buffer.from(JSON.stringify({ ...document, note: '??' }));
    bytes[bytes.length - 3] = 0xff;
    response.writeHead(200, JSON_TYPE).end(bytes);
    return true;
  },
  'a body that is too long': (response, document) =>
    response.writeHead(200, JSON_TYPE).end(`${' '.repeat(33 * 1024 * 1024)}${JSON.stringify(document)}`),
};

/** Responses whose connection breaks before they are complete. */
export const BROKEN_ANSWERS: Record<string, OddAnswer> = {
  'a body shorter than its Content-Length': (response, document) => {
    const body = JSON.stringify(document);
    response.writeHead(200, { ...JSON_TYPE, 'content-length': body.length + 100 });
    return response.write(body, () => response.socket?.destroy());
  },
  'a chunked body that is cut off': (response, document) => {
    response.writeHead(200, JSON_TYPE);
    return response.write(JSON.stringify(document), () => response.socket?.destroy());
  },
  'a response that is not HTTP': (response) => response.socket?.end(`${ENGINE_WORDS}\r\n\r\n`) ?? true,
  'no response': (response) => response.socket?.destroy() ?? true,
};
