import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { pino } from 'pino';
import t from 'tap';
import { FormData, fetch } from 'undici';
import type { Model } from '../../schemas/model.ts';
import type { RewardResult } from '../../schemas/reward.ts';
import { buildApp } from '../../src/app.ts';
import { loadConfig } from '../../src/config/config.ts';
import { createEngine } from '../../src/engines/create-engine.ts';
import { TOPREWARD } from '../../src/methods/topreward/method.ts';
import { SERVICE } from '../../src/process/version.ts';
import { readiness } from '../support/readiness.ts';
import { post, recorded } from '../support/recorded.ts';
import { type Container, imageConfig, inContainer, runToEnd, startContainer } from './container.ts';
import { startEngine } from './engine.ts';

t.setTimeout(900_000);

const EPISODES = ['drawer-open-v3-success', 'drawer-open-v3-failure'];
const ENGINE_URL = await startEngine(t);

/** The same model in this process, from the checkout. The image is compared with it. */
const config = loadConfig({ ENGINE: 'embedded' });
const app = await buildApp(config, await createEngine(config, pino({ level: 'warn' }), TOPREWARD));
t.teardown(() => app.close());
await readiness(app, 200);
const here = await app.listen({ port: 0 });

const settings = { ENGINE_URL, PORT: '0', ENGINE_FRAME_SIDE: '128' };
const container = await startContainer(t, settings);
const there = container.address;

/** Field of /proc/PID/status. */
const processStatus = ({ pid }: Container, field: string) =>
  new RegExp(`^${field}:\\s+(.*)$`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];

async function becomesReady(address: string): Promise<void> {
  for (;;) {
    const answer = await fetch(`${address}/health/ready`);
    await answer.arrayBuffer();
    if (answer.ok) return;
    await sleep(100);
  }
}

t.test('the image runs as a numeric user that is not root', async (t) => {
  const { User, ExposedPorts, WorkingDir } = imageConfig();
  t.same(
    { User, WorkingDir, ports: Object.keys(ExposedPorts) },
    { User: '1000:1000', WorkingDir: '/app', ports: ['8080/tcp'] },
  );
  t.equal(processStatus(container, 'Uid'), '1000\t1000\t1000\t1000');
  t.equal(processStatus(container, 'Gid'), '1000\t1000\t1000\t1000');
  t.equal(processStatus(container, 'NSpid'), `${container.pid}\t1`, 'the service is process 1');
  t.match(processStatus(container, 'CapBnd'), /[1-9a-f]/, 'only the user limits the capabilities');
  t.equal(processStatus(container, 'CapEff'), '0000000000000000', 'the service has no capabilities');
});

t.test('only TMPDIR is writable', async (t) => {
  const writes = 'for (const f of ["/app/x", "/home/node/x", "/var/tmp/x", "/tmp/x"])';
  const program = `${writes} try { fs.writeFileSync(f, "x"); fs.rmSync(f); console.log("written") } catch (e) { console.log(e.code) }`;
  const { stdout } = await inContainer(container, ['node', '-e', program]);
  t.same(stdout.toString().trim().split('\n'), ['EROFS', 'EROFS', 'EROFS', 'written']);
});

t.test('the image contains only what the service needs', async (t) => {
  const { stdout } = await inContainer(container, ['ls', '-A', '/app']);
  const files = [
    'LICENSE',
    'examples',
    'models',
    'node_modules',
    'package-lock.json',
    'package.json',
    'playground',
    'reference',
    'routes',
  ];
  t.same(stdout.toString().trim().split('\n').sort(), [...files, 'schemas', 'src'].sort());
  const models = await inContainer(container, ['ls', '-A', '/app/models']);
  t.equal(models.stdout.toString().trim(), 'profiles', 'no model, only the profiles');
  const packages = (await inContainer(container, ['ls', '/app/node_modules'])).stdout.toString().trim().split('\n');
  t.ok(packages.includes('fastify'));
  t.notOk(
    packages.some((name) => /^(onnxruntime|tap$|typescript$|node$)/.test(name)),
    'the image has no embedded engine and no development tools',
  );
});

t.test('the service is live at once, and ready after the engine is probed', async (t) => {
  const live = await fetch(`${there}/health/live`);
  t.equal(live.status, 200);
  await becomesReady(there);
  const model = (await (await fetch(`${there}/v1/model`)).json()) as Model;
  t.match(model.engine.version, /^0\.32\.0/);
  t.equal(model.prompts.open.layout, 'reference', 'start.sh gives vLLM the reference template');
  t.equal(model.one_pass, true);
  t.equal(model.video, true, 'ffmpeg is found');
  t.same(model.reference_frame, { width: 128, height: 128 });
});

t.test('the recorded episodes have the log probabilities of the embedded engine', async (t) => {
  for (const name of EPISODES) {
    const { files, ...episode } = await recorded(name);
    const [expected, result] = [await post(here, files, episode), await post(there, files, episode)];
    t.same([expected.status, result.status], [200, 200], name);
    t.equal(result.body.prefixes.length, 15);
    const furthest = Math.max(
      ...result.body.prefixes.map(({ log_prob_true }, i) =>
        Math.abs(log_prob_true - (expected.body.prefixes[i]?.log_prob_true as number)),
      ),
    );
    t.ok(furthest <= 1e-4, `${name}: largest difference ${furthest} nats`);
    t.comment(`${name}: image and embedded, largest difference ${furthest.toExponential(1)} nats`);
  }
});

t.test('the ffmpeg of the image decodes a video', async (t) => {
  const name = EPISODES[0] as string;
  const { files, fps, instruction } = await recorded(name);
  const frames = ['-framerate', String(fps), '-i', `/app/examples/episodes/${name}/%03d.jpg`];
  // The best quality that H.264 reaches for the JPEG files.
  const encode = ['-c:v', 'libx264', '-crf', '4', '-pix_fmt', 'yuv444p', '/tmp/made.mp4'];
  const made = await inContainer(container, ['ffmpeg', '-loglevel', 'error', ...frames, ...encode]);
  t.equal(made.code, 0, made.stderr);
  const video = (await inContainer(container, ['cat', '/tmp/made.mp4'])).stdout;
  await inContainer(container, ['rm', '/tmp/made.mp4']);

  const body = new FormData();
  body.set('episode', JSON.stringify({ instruction }));
  body.set('video', new Blob([new Uint8Array(video)]), 'episode.mp4');
  const answer = await fetch(`${there}/v1/rewards`, { method: 'POST', body });
  const result = (await answer.json()) as RewardResult;
  t.equal(answer.status, 200, JSON.stringify(result).slice(0, 300));
  const { body: whole } = await post(there, files, { instruction, fps });
  const values = ({ prefixes }: RewardResult) => prefixes.map(({ log_prob_true }) => log_prob_true);
  t.equal(result.prefixes.length, whole.prefixes.length);
  const furthest = Math.max(...values(result).map((value, i) => Math.abs(value - (values(whole)[i] as number))));
  t.ok(furthest <= 0.25, `the video has the log probabilities of its frames: ${furthest} nats`);
  t.comment(`video and frames, largest difference ${furthest.toFixed(3)} nats`);
  // Only the folder of uploads remains, with its socket. An upload is removed after its response is sent.
  const left = ['find', '/tmp', '-name', 'upload-*', '-o', '-type', 'f'];
  while ((await inContainer(container, left)).stdout.length > 0);
});

t.test('the image serves every page and file that the checkout serves', async (t) => {
  const { body } = await app.inject('/playground/episodes.json');
  const pictures = (JSON.parse(body) as { frames: string[] }[]).flatMap(({ frames }) => frames);
  const page = readdirSync(new URL('../../playground/', import.meta.url)).map((name) => `playground/${name}`);
  const scripts = ['docs/reference.css', 'docs/reference.js', 'docs/scalar.js'];
  const documents = ['', 'docs', 'docs/json', 'docs/yaml', ...scripts];
  for (const path of [...documents, 'playground/episodes.json', ...page, ...pictures]) {
    const expected = await app.inject(`/${path}`);
    const answer = await fetch(`${there}/${path}`);
    t.equal(answer.status, expected.statusCode, `/${path}`);
    if (!answer.ok) await answer.body?.cancel();
    else t.ok(Buffer.from(await answer.arrayBuffer()).equals(expected.rawPayload), `/${path} is the same`);
  }
  t.ok((await (await fetch(`${there}/metrics`)).text()).includes('topreward_'));
});

t.test('HEALTHCHECK passes if the service is live, and fails if nothing listens', async (t) => {
  const [kind, ...command] = imageConfig().Healthcheck.Test;
  t.equal(kind, 'CMD');
  const port = new URL(there).port;
  t.equal((await inContainer(container, command, [`PORT=${port}`])).code, 0);
  t.equal((await inContainer(container, command, ['PORT=1'])).code, 1);
});

t.test('one line refuses the embedded engine, which is not in the image', async (t) => {
  const { code, stdout, stderr } = await runToEnd({ ENGINE: 'embedded' });
  t.equal(code, 1);
  const lines = stdout.toString().trim().split('\n');
  t.equal(lines.length, 1);
  t.match(
    JSON.parse(lines[0] as string).msg,
    /^The model in \/app\/models\/topreward-pico \(MODEL_DIR\) cannot be used/,
  );
  t.equal(stderr, '', 'there is no stack trace');
});

t.test('after SIGTERM the service finishes the episode and exits with 0', async (t) => {
  const { files, ...episode } = await recorded(EPISODES[1] as string);
  const mortal = await startContainer(t, settings);
  await becomesReady(mortal.address);
  const body = new FormData();
  body.set('episode', JSON.stringify({ ...episode, prefixes: { every: 1 } }));
  for (const file of files) body.append('frames', new Blob([new Uint8Array(file)]), 'frame.jpg');
  const headers = { accept: 'application/x-ndjson' };
  const answer = await fetch(`${mortal.address}/v1/rewards`, { method: 'POST', body, headers });
  const exit = once(mortal.process, 'exit');
  const events: string[] = [];
  for await (const line of createInterface(Readable.fromWeb(answer.body as never))) {
    if (events.length === 0) process.kill(mortal.pid, 'SIGTERM');
    events.push(JSON.parse(line).event);
  }
  t.equal(events.filter((event) => event === 'prefix').length, files.length);
  t.equal(events.at(-1), 'result');
  const last = performance.now();
  t.same(await exit, [0, null], 'the exit code is 0, and there is no signal');
  const seconds = (performance.now() - last) / 1000;
  t.ok(seconds < 10, `the service exits ${seconds.toFixed(1)} s after the last line`);
});

t.test('the contract has the version of package.json', async (t) => {
  const { info } = (await (await fetch(`${there}/docs/json`)).json()) as { info: { version: string } };
  t.equal(info.version, SERVICE.version);
});
