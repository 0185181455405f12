// Measures what each way of asking costs on a real vLLM, as a multiple of one pass over the longest prefix.
//   npm run bench:methods -- [--frames N] [--repeat N]
// Every measurement uses new frames, so that no cache of the engine helps.
import { parseArgs } from 'node:util';
import type { EpisodeResult } from '../../schemas/result.ts';
import { median, multipart, post, startService, table } from './support.ts';
import { syntheticEpisode } from './synthetic.ts';

const { values: options } = parseArgs({
  options: {
    frames: { type: 'string', default: '64' },
    repeat: { type: 'string', default: '5' },
    // Each run has another seed, so that an engine that still runs does not know the frames.
    seed: { type: 'string', default: String(Date.now() % 1e9) },
  },
});

const SIZE = { width: 256, height: 256 };
/** The rate of the schedule: every frame is sampled. */
const FPS = 2;
const INSTRUCTION = 'Put the red block into the drawer and close it.';

/** What is asked, besides the default: 15 prefixes. The first row is one pass. */
const ROWS: Record<string, object> = {
  'the longest prefix only: one pass': { prefixes: { last: 1 } },
  '15 prefixes': {},
  'prompt: chat': { prompt: 'chat' },
  'answers: sets of two tokens': { answers: { true_texts: [' True', ' Yes'], false_texts: [' False', ' No'] } },
  'answers: a text of several tokens': { answers: { true_texts: [' completely done'], false_texts: [' False'] } },
  'top_answers: 10': { top_answers: 10 },
  'controls: static': { controls: { static: true } },
  'controls: all three': { controls: { static: true, reversed: true, other_instruction: 'Open the drawer.' } },
  'pipeline: published': { pipeline: 'published' },
  'method: instruction_likelihood': { method: 'instruction_likelihood' },
  // The tokens of a text that is cut inside an emoji are others, so the prompt itself is read.
  'the same, with an emoji': { method: 'instruction_likelihood', instruction: `${INSTRUCTION} 🤖🦾` },
  'method: gvl, 256 tokens written': { method: 'gvl', gvl: { max_tokens: 256 } },
  'the same, structured': { method: 'gvl', gvl: { max_tokens: 256, format: 'structured' } },
};

/** Duration and tokens of one request. */
interface Cost {
  seconds: number;
  requests: number;
  computed: number;
}

const count = Number(options.frames);
let seed = Number(options.seed);
const service = await startService(process.env['ENGINE_URL'] ?? 'http://127.0.0.1:8000');

async function measure(asked: object): Promise<Cost> {
  seed += 1;
  const frames = await syntheticEpisode(seed, count, SIZE, 'jpeg');
  const body = multipart({ instruction: INSTRUCTION, fps: FPS, ...asked }, frames, 'image/jpeg');
  const { answer, ms } = await post<EpisodeResult>(`${service.url}/v1/rewards`, body);
  const { engine_requests: requests, prompt_tokens, cached_tokens } = answer.usage;
  const written = answer.method === 'gvl' ? answer.usage.generated_tokens : 0;
  return { seconds: ms / 1000, requests, computed: prompt_tokens - (cached_tokens ?? 0) + written };
}

const costs = new Map<string, Cost[]>(Object.keys(ROWS).map((name) => [name, []]));
// The first request of each kind is not counted: the engine prepares itself for new lengths.
for (let round = 0; round <= Number(options.repeat); round += 1)
  for (const [name, asked] of Object.entries(ROWS)) {
    const cost = await measure(asked);
    if (round > 0) costs.get(name)?.push(cost);
  }
await service.stop();

const [one = []] = costs.values();
console.log(`\n${count} JPEG frames of ${SIZE.width}×${SIZE.height}, medians of ${options.repeat}`);
console.log(
  table(
    ['', 'seconds', '× one pass', 'tokens computed', '× one pass', 'engine requests'],
    [...costs].map(([name, all]) => {
      const ratio = (of: (cost: Cost) => number) =>
        median(all.map((cost, i) => of(cost) / of(one[i] ?? cost))).toFixed(2);
      return [
        name,
        median(all.map(({ seconds }) => seconds)).toFixed(2),
        ratio(({ seconds }) => seconds),
        String(median(all.map(({ computed }) => computed))),
        ratio(({ computed }) => computed),
        String(median(all.map(({ requests }) => requests))),
      ];
    }),
  ),
);
