import t from 'tap';
import type { Engine } from '../../src/engine/engine.ts';
import type { Behaviour } from '../support/fake-vllm.ts';
import { needing } from '../support/needs.ts';
import { CALIBRATIONS } from './calibrations.ts';
import { startBundledModel, startFakeEngine } from './engines.ts';
import { responsesTo, serve } from './exchange.ts';
import { GROWING, LARGE, optionRequests, WARNED } from './options.ts';
import { modelTolerance, sameAsRecorded } from './recordings.ts';
import { BATCH, DESCRIPTIONS, FORM, IN_LINES, JSON_BODY, NPY_FILE, type Requests, VIDEO_FILE } from './requests.ts';

// Compares responses with those that the service sent earlier, for every operation and both engines. WRITE_COMPAT=1
// records them again. Do that only if callers are meant to notice the change.

/** A service whose responses are recorded. */
interface Recorded {
  engine: Engine;
  /** name of the served model */
  model: string;
  /** largest difference between two numbers: see `differences` */
  tolerance: number;
}

/** Small frames keep these tests fast. */
const small = await startFakeEngine(t, {}, { ENGINE_FRAME_SIDE: '96' });

const SERVICES: Record<string, Recorded> = {
  vllm: { engine: small.engine, model: 'fake', tolerance: 0 },
  embedded: { engine: await startBundledModel(t), model: 'topreward-pico 1', tolerance: await modelTolerance() },
};

const needs = needing('ffmpeg');

/** Requests of each operation, by what they are about. */
const operations = (model: string): Record<string, Requests> => ({
  form: FORM,
  json: JSON_BODY,
  npy: NPY_FILE,
  lines: IN_LINES,
  options: optionRequests(model),
  warnings: WARNED,
  growing: GROWING,
  batch: BATCH,
  calibrations: CALIBRATIONS,
  descriptions: DESCRIPTIONS,
});

for (const [name, { engine, model, tolerance }] of Object.entries(SERVICES)) {
  const each = operations(model);
  const app = await serve(t, engine, Object.keys(each));
  for (const [operation, requests] of Object.entries(each))
    t.test(`${name}/${operation}: the responses equal the recorded ones`, async (t) => {
      const found = await responsesTo(app, operation, requests);
      await sameAsRecorded(t, { name: `${name}/${operation}`, tolerance }, found);
    });
  t.test(`${name}/video: the responses equal the recorded ones`, needs, async (t) => {
    const app = await serve(t, engine, ['video'], { PATH: process.env['PATH'] ?? '' });
    const found = await responsesTo(app, 'video', VIDEO_FILE);
    await sameAsRecorded(t, { name: `${name}/video`, tolerance }, found);
  });
}

/** Further services with vLLM: how vLLM behaves, the settings of the engine, and the requests. */
const VLLM: [name: string, behaviour: Partial<Behaviour>, settings: Record<string, string>, requests: Requests][] = [
  ['defaults', {}, {}, FORM],
  ['nested', { layout: 'nested' }, { ENGINE_FRAME_ENCODING: 'png' }, { ...JSON_BODY, ...LARGE }],
  ['forgetful', { keepsItems: false }, {}, NPY_FILE],
];

for (const [name, behaviour, settings, requests] of VLLM)
  t.test(`vllm/${name}: the responses equal the recorded ones`, async (t) => {
    const { engine } = await startFakeEngine(t, behaviour, settings);
    const app = await serve(t, engine, [name]);
    const found = await responsesTo(app, name, { ...requests, ...DESCRIPTIONS });
    await sameAsRecorded(t, { name: `vllm/${name}` }, found);
  });
