import type { IncomingMessage } from 'node:http';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { JsonReader } from '../json/json.ts';
import { readBody } from '../upload/body.ts';

/** Reads JSON bodies with the service's own reader, which parses long ones in a thread. Fastify's parsers are removed. */
export function readJsonBodies(app: FastifyInstance, json: JsonReader): void {
  app.removeContentTypeParser(['text/plain', 'application/json']);
  app.addContentTypeParser('application/json', async (request: FastifyRequest, payload: IncomingMessage) =>
    json.read(await readBody(request, payload, request.routeOptions.bodyLimit)),
  );
}
