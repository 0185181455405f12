import type { ServerResponse } from 'node:http';
import { gzipSync } from 'node:zlib';

/** Words of an engine that no caller may ever see. */
export const ENGINE_WORDS = 'zebra of the engine';

/** One way in which a server answers so that nothing may be read from it. */
export type OddAnswer = (response: ServerResponse, document: object) => unknown;

const JSON_TYPE = { 'content-type': 'application/json' };
const html = `<html><body>${ENGINE_WORDS}</body></html>`;

/** Whole answers that are not what they should be, whatever the document. */
export const ODD_ANSWERS: Record<string, OddAnswer> = {
  'a redirect': (response) => response.writeHead(302, { location: '/elsewhere' }).end(ENGINE_WORDS),
  'no content': (response) => response.writeHead(204).end(),
  'accepted for later': (response, document) => response.writeHead(202, JSON_TYPE).end(JSON.stringify(document)),
  'an empty body': (response) => response.writeHead(200, JSON_TYPE).end(),
  'half a document': (response, document) =>
    response.writeHead(200, JSON_TYPE).end(JSON.stringify(document).slice(0, -5)),
  'a gzipped one': (response, document) =>
    response.writeHead(200, { ...JSON_TYPE, 'content-encoding': 'gzip' }).end(gzipSync(JSON.stringify(document))),
  'one of another type': (response, document) =>
    response.writeHead(200, { 'content-type': 'text/plain' }).end(JSON.stringify(document)),
  'one without a type': (response, document) => response.writeHead(200).end(JSON.stringify(document)),
  null: (response) => response.writeHead(200, JSON_TYPE).end('null'),
  'a list': (response, document) => response.writeHead(200, JSON_TYPE).end(JSON.stringify([document])),
  'a text': (response) => response.writeHead(200, JSON_TYPE).end(JSON.stringify(ENGINE_WORDS)),
  'an empty object': (response) => response.writeHead(200, JSON_TYPE).end('{}'),
  'HTML under 200': (response) => response.writeHead(200, { 'content-type': 'text/html' }).end(html),
  'HTML that says it is JSON': (response) => response.writeHead(200, JSON_TYPE).end(html),
  'invalid UTF-8': (response, document) => {
    const bytes = Buffer.from(JSON.stringify({ ...document, note: '??' }));
    bytes[bytes.length - 3] = 0xff;
    response.writeHead(200, JSON_TYPE).end(bytes);
    return true;
  },
  'more than any answer has': (response, document) =>
    response.writeHead(200, JSON_TYPE).end(`${' '.repeat(33 * 1024 * 1024)}${JSON.stringify(document)}`),
};

/** Answers whose connection breaks before they are whole. */
export const BROKEN_ANSWERS: Record<string, OddAnswer> = {
  'a length that is not reached': (response, document) => {
    const body = JSON.stringify(document);
    response.writeHead(200, { ...JSON_TYPE, 'content-length': body.length + 100 });
    return response.write(body, () => response.socket?.destroy());
  },
  'a chunked one that is cut': (response, document) => {
    response.writeHead(200, JSON_TYPE);
    return response.write(JSON.stringify(document), () => response.socket?.destroy());
  },
  'no HTTP': (response) => response.socket?.end(`${ENGINE_WORDS}\r\n\r\n`) ?? true,
  nothing: (response) => response.socket?.destroy() ?? true,
};
