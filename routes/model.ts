import type { FastifyInstance } from 'fastify';
import { EXAMPLES } from '../schemas/examples.ts';
import { Model } from '../schemas/model.ts';
import type { ServedPrompt } from '../src/engine/served-model.ts';
import { KEYED, problems } from '../src/http/responses.ts';
import type { Service } from '../src/http/service.ts';
import { fittingFrames } from '../src/plan/context.ts';
import { SERVICE } from '../src/process/version.ts';

const schema = {
  operationId: 'getModel',
  summary: 'Describe the model',
  description: 'The model that the service uses, how exact it is, and its limits.',
  tags: ['service'],
  security: [{}, { apiKey: [] }],
  response: {
    200: {
      description: 'The model and its limits.',
      content: { 'application/json': { schema: Model, examples: EXAMPLES.model } },
    },
    ...problems(...KEYED, 'engine-unavailable'),
  },
};

/** Adds the description of the served model and of the limits: `GET /v1/model`. */
export async function modelRoute(v1: FastifyInstance, { config, engine, video }: Service): Promise<void> {
  v1.get('/model', { schema }, async (): Promise<Model> => {
    const servedPrompt = ({ layout, answers: [[trueToken], [falseToken]] }: ServedPrompt) => ({
      layout,
      true_token: trueToken,
      false_token: falseToken,
    });
    const served = engine.describe();
    const { calibration, contextTokens, maxBlocks, prompts, onePass, ...rest } = served;
    const { tokensPerBlock: _, family, generation, referenceFrame, frameSizes, frameEncoding, ...named } = rest;
    return {
      ...named,
      service: SERVICE,
      profile: { name: family.name, verified: family.verified },
      engine_replicas: config.ENGINE === 'vllm' ? config.ENGINE_REPLICAS : 1,
      methods: ['topreward', 'instruction_likelihood', ...('unavailable' in generation ? [] : (['gvl'] as const))],
      pipelines: family.published ? ['aligned', 'published'] : ['aligned'],
      prompts: { open: servedPrompt(prompts.open), chat: servedPrompt(prompts.chat) },
      one_pass: onePass,
      reference_frame: referenceFrame,
      frame_sizes: frameSizes,
      frame_encoding: frameEncoding,
      video: video.tools !== undefined,
      success_threshold: config.SUCCESS_THRESHOLD ?? calibration?.successThreshold ?? null,
      limits: {
        context_tokens: contextTokens,
        blocks: maxBlocks,
        sampled_frames: fittingFrames(served),
        frames: config.MAX_FRAMES,
        batch_episodes: config.MAX_BATCH_EPISODES,
        batch_frames: config.MAX_BATCH_FRAMES,
        upload_bytes: config.MAX_UPLOAD_BYTES,
        json_bytes: config.MAX_JSON_BYTES,
        frame_side: config.MAX_FRAME_SIDE,
        frame_pixels: config.MAX_FRAME_PIXELS,
        deadline_s: config.DEADLINE_S,
        batch_deadline_s: config.BATCH_DEADLINE_S,
      },
    };
  });
}
