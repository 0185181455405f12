import type { FastifyInstance } from 'fastify';
import { Calibration, CalibrationRequest } from '../schemas/calibration.ts';
import { calibrate } from '../src/calibration/calibrate.ts';
import { readCalibrationRequest } from '../src/calibration/read.ts';
import { ProblemError } from '../src/problems.ts';
import type { Service } from '../src/service.ts';
import { uploadGate } from './admit.ts';
import { problems } from './problem-responses.ts';

/** Room for the most episodes, written generously. */
const BODY_BYTES = 4 * 1024 * 1024;

const schema = {
  operationId: 'calibrate',
  summary: 'Find a threshold and bounds',
  description:
    'Scores of episodes, labelled success or failure, in; a threshold, how well it parts them, and bounds for progress out. Nothing is kept: send the answer along in `episode.calibration`.',
  tags: ['calibration'],
  security: [{}, { apiKey: [] }],
  body: { content: { 'application/json': { schema: CalibrationRequest } } },
  response: {
    200: {
      description: 'What the episodes tell; null and a warning where they do not.',
      content: { 'application/json': { schema: Calibration } },
    },
    ...problems(401, 408, 413, 415, 422, 429, 500, 503, 504),
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
    // Checked by src/calibration/read.ts, whose problems point to every mistake.
    validatorCompiler: () => () => true,
    onRequest: admit,
    async handler(request): Promise<Calibration> {
      if (request.isMultipart()) throw new ProblemError('unsupported-media-type', 'Send application/json.');
      return calibrate(readCalibrationRequest(request.body));
    },
  });
}
