import type { FastifyInstance } from 'fastify';
import { Calibration, CalibrationRequest } from '../schemas/calibration.ts';
import { EXAMPLES } from '../schemas/examples.ts';
import { calibrate } from '../src/calibration/calibrate.ts';
import { readCalibrationRequest } from '../src/calibration/read.ts';
import { ProblemError } from '../src/problems.ts';
import type { Service } from '../src/service.ts';
import { uploadGate } from './admit.ts';
import { problems, UPLOAD } from './responses.ts';

/** Enough for the largest number of episodes. */
const BODY_BYTES = 4 * 1024 * 1024;

const schema = {
  operationId: 'calibrate',
  summary: 'Find a threshold and bounds',
  description:
    'Takes the scores of episodes that are labelled success or failure. Returns a success threshold, how well it divides them, and bounds for progress. The service stores nothing: keep the response, and send it in `episode.calibration`.',
  tags: ['calibration'],
  security: [{}, { apiKey: [] }],
  body: { content: { 'application/json': { schema: CalibrationRequest } } },
  response: {
    200: {
      description: 'The calibration. What the episodes do not determine is null, and a warning says why.',
      content: { 'application/json': { schema: Calibration, examples: EXAMPLES.calibration } },
    },
    ...problems(...UPLOAD),
  },
};

export async function calibrationRoute(app: FastifyInstance, service: Service): Promise<void> {
  const { config } = service;
  const jsonBytes = Math.min(BODY_BYTES, config.MAX_JSON_BYTES);
  const { admit } = uploadGate(service, { seconds: config.DEADLINE_S, needsEngine: false, jsonBytes });
  app.route({
    method: 'POST',
    url: '/v1/calibrations',
    schema,
    bodyLimit: jsonBytes,
    // src/calibration/read.ts checks the body and points to every mistake.
    validatorCompiler: () => () => true,
    onRequest: admit,
    async handler(request): Promise<Calibration> {
      if (request.isMultipart()) throw new ProblemError('unsupported-media-type', 'Send application/json.');
      return calibrate(readCalibrationRequest(request.body));
    },
  });
}
