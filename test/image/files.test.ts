import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { parse } from 'yaml';
import { Environment } from '../../src/config/config.ts';
import { environment } from './container.ts';

t.setTimeout(300_000);

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const TOOLS = join(ROOT, '.cache/image/bin');
const read = (path: string) => readFile(join(ROOT, path), 'utf8');

interface Service {
  image?: string;
  environment: Record<string, string>;
  volumes?: string[];
}
const composeText = await read('docker/vllm/compose.yaml');
const compose = parse(composeText, { merge: true }) as {
  services: Record<'vllm' | 'vllm-1' | 'haproxy' | 'topreward', Service>;
};

/** Runs a program in the checkout. */
function run(program: string, args: string[], { input = '', env = process.env } = {}) {
  return new Promise<{ code: number; output: string; errors: string }>((resolve) => {
    const child = execFile(program, args, { cwd: ROOT, env, maxBuffer: 1e8 }, (error, output, errors) =>
      resolve({ code: error ? Number(error.code) : 0, output, errors }),
    );
    child.stdin?.end(input);
  });
}

t.test('hadolint finds no fault in the Dockerfile', async (t) => {
  const dockerfile = await read('docker/Dockerfile');
  const hadolint = (input: string) => run(join(TOOLS, 'hadolint'), ['--no-color', '-'], { input });
  t.match(await hadolint(dockerfile), { code: 0, output: '' });
  // Every ignored rule must still find something. Otherwise the exception is not needed.
  const strict = await hadolint(dockerfile.replaceAll(/^# hadolint ignore=.*\n/gm, ''));
  t.same(new Set(strict.output.match(/\bDL\d+/g)), new Set(['DL3008']));
  t.match(await hadolint(dockerfile.replace('USER 1000:1000', 'USER node')), { output: /DL3066/ });
});

t.test('compose.yaml conforms to the Compose specification', async (t) => {
  const program = join(TOOLS, 'check-jsonschema');
  const check = (input: string) =>
    run(program, ['--builtin-schema', 'vendor.compose-spec', '--default-filetype', 'yaml', '-'], { input });
  t.match(await check(composeText), { code: 0 });
  t.match(await check(composeText.replace('stop_grace_period', 'stop_grace_time')), { code: 1 });
});

t.test('compose.yaml uses the vLLM version that is tested', async (t) => {
  const [, pinned] = /^VLLM_VERSION=(.*)$/m.exec(await read('docker/vllm/cpu-install.sh')) ?? [];
  t.equal(compose.services.vllm.image, `vllm/vllm-openai:v${pinned}`);
});

t.test('with the profile replicas, HAProxy has both vLLM servers, which are the same', async (t) => {
  const { vllm, 'vllm-1': second, haproxy } = compose.services;
  t.same({ ...second, deploy: undefined, profiles: undefined }, { ...vllm, deploy: undefined, profiles: undefined });
  const config = await read('docker/vllm/haproxy.cfg');
  for (const name of ['vllm', 'vllm-1']) t.match(config, new RegExp(`-${name}:8000\\}`));
  t.match(haproxy.volumes, ['./haproxy.cfg:/usr/local/etc/haproxy/haproxy.cfg:ro']);
});

t.test('every file that compose.yaml mounts exists', async (t) => {
  const mounted = Object.values(compose.services).flatMap(({ volumes = [] }) => volumes);
  const files = mounted.filter((volume) => volume.startsWith('./'));
  t.equal(files.length, 5);
  for (const file of files) t.ok(await read(join('docker/vllm', file.split(':')[0] as string)), file);
});

t.test('the image and compose.yaml set only variables that exist', async (t) => {
  const known = Object.keys(Environment.properties);
  const [, settings = ''] = /^ENV (.*)$/m.exec(await read('docker/Dockerfile')) ?? [];
  const inImage = [...settings.matchAll(/([A-Z_]+)=/g)].map(([, name]) => name as string);
  t.same(inImage, ['NODE_ENV', 'ENGINE', 'HOST']);
  for (const name of [...inImage.slice(1), ...Object.keys(compose.services.topreward.environment)]) {
    t.ok(known.includes(name), name);
  }
  const start = await read('docker/vllm/start.sh');
  for (const name of Object.keys(compose.services.vllm.environment)) {
    // HF_TOKEN is read by vLLM itself.
    t.ok(name === 'HF_TOKEN' || start.includes(`\${${name}:-`), `${name} is read by start.sh`);
  }
});

t.test('the pinned version of vLLM accepts every flag of start.sh', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'topreward-flags-'));
  t.teardown(() => rm(folder, { recursive: true }));
  const parser = `#!/bin/sh\nexec "${environment('VLLM_VENV')}/bin/python" test/image/parse_flags.py "$@"\n`;
  await writeFile(join(folder, 'vllm'), parser, { mode: 0o755 });
  // If the user sets nothing, Compose uses the default of each ${NAME:-default}.
  const settings = Object.entries(compose.services.vllm.environment).map(([name, value]) => [
    name,
    /:-(.*)\}$/.exec(value)?.[1] ?? value,
  ]);
  const env = { ...process.env, PATH: `${folder}:${process.env['PATH']}`, ...Object.fromEntries(settings) };
  const start = (...more: string[]) => run('docker/vllm/start.sh', more, { env });
  const { code, output, errors } = await start();
  t.equal(code, 0, errors.slice(-500));
  const { understood, unknown } = JSON.parse(output);
  t.same(unknown, [], 'no flag is abbreviated');
  t.match(understood, {
    model_tag: 'Qwen/Qwen3-VL-8B-Instruct',
    host: '0.0.0.0',
    port: 8000,
    max_model_len: 32768,
    limit_mm_per_prompt: {
      image: { count: 128, width: 256, height: 256 },
      video: { count: 999, num_frames: 2, width: 256, height: 256 },
    },
    structured_outputs_config: /disable_any_whitespace=True/,
    enable_prefix_caching: true,
    mm_processor_cache_gb: 4,
    api_server_count: 1,
    enable_prompt_tokens_details: true,
    max_num_queued_reqs: 256,
    allowed_media_domains: ['none.invalid'],
    logprobs_mode: 'raw_logprobs',
    generation_config: 'vllm',
    tensor_parallel_size: 1,
  });
  const images = await run('docker/vllm/start.sh', [], { env: { ...env, FRAMES: 'images' } });
  t.match(JSON.parse(images.output), {
    unknown: [],
    // Without a file, the template is that of the model.
    understood: {
      limit_mm_per_prompt: { image: { count: 999, width: 256, height: 256 }, video: 0 },
      chat_template: null,
    },
  });
  const neither = await run('docker/vllm/start.sh', [], { env: { ...env, FRAMES: 'frames' } });
  t.match([neither.code, neither.errors], [2, /FRAMES must be pairs or images, not frames/]);
  const wrong = await start('--no-such-flag');
  t.equal(wrong.code, 2);
  t.match(wrong.errors, /unrecognized arguments: --no-such-flag/);
});
