import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { FastifyInstance } from 'fastify';
import { Calibration, CalibrationRequest } from '../schemas/calibration.ts';
import { EXAMPLES } from '../schemas/examples.ts';
import { calibrate } from '../src/calibration/calibrate.ts';
import { checkScores } from '../src/calibration/scores.ts';
import { problems, UPLOAD } from '../src/http/responses.ts';
import type { Service } from '../src/http/service.ts';
import { ProblemError } from '../src/problems/problems.ts';

/** Enough for the largest number of episodes. */
const BODY_BYTES = 4 * 1024 * 1024;

const schema = {
  operationId: 'calibrate',
  summary: 'Find a threshold and bounds',
  description:
    'Takes the scores of episodes that are labelled success or failure. Returns a success threshold, how well it divides them, and bounds for progress. The service stores nothing: keep the response, and send it in `episode.calibration`.',
  tags: ['calibration'],
  security: [{}, { apiKey: [] }],
  body: CalibrationRequest,
  response: {
    200: {
      description: 'The calibration. What the episodes do not determine is null, and a warning says why.',
      content: { 'application/json': { schema: Calibration, examples: EXAMPLES.calibration } },
    },
    ...problems(...UPLOAD),
  },
};

/** Adds the operation that makes a calibration from labelled episodes: `POST /v1/calibrations`. */
export async function calibrationRoute(v1: FastifyInstance, { config }: Service): Promise<void> {
  const jsonBytes = Math.min(BODY_BYTES, config.MAX_JSON_BYTES);
  v1.withTypeProvider<TypeBoxTypeProvider>().route({
    method: 'POST',
    url: '/calibrations',
    schema,
    bodyLimit: jsonBytes,
    config: { upload: { seconds: config.DEADLINE_S, needsEngine: false, jsonBytes } },
    async preValidation(request) {
      if (request.isMultipart()) throw new ProblemError('unsupported-media-type', 'Send application/json.');
    },
    async handler({ body }): Promise<Calibration> {
      checkScores(body);
      return calibrate(body);
    },
  });
}
