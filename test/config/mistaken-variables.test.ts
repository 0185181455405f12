import t from 'tap';
import { Environment, loadConfig } from '../../src/config/config.ts';
import { mistakenVariables } from '../../src/config/mistaken-variables.ts';

const OURS = Object.keys(Environment.properties);
const mistaken = (env: Record<string, string>) => mistakenVariables(env, OURS);

t.test('a misspelt variable is reported with the name that was meant', async (t) => {
  for (const [name, meant] of [
    ['API_KEY', 'API_KEYS'],
    ['APIKEYS', 'API_KEYS'],
    ['APIKEY', 'API_KEYS'],
    ['api_keys', 'API_KEYS'],
    ['API_KYES', 'API_KEYS'],
    ['API_KEYS_FILE', 'API_KEYS'],
    ['API_KEY_FILE', 'API_KEYS'],
    ['TOPREWARD_API_KEYS', 'API_KEYS'],
    ['TOPREWARD_ENGINE_URL', 'ENGINE_URL'],
    ['ENGINE_URLS', 'ENGINE_URL'],
    ['ENGINE_URI', 'ENGINE_URL'],
    ['ENGINES', 'ENGINE'],
    ['SECRETS', 'SECRET'],
    ['SECRET_FILE', 'SECRET'],
    ['ALLOWED_HOST', 'ALLOWED_HOSTS'],
    ['ALOWED_HOSTS', 'ALLOWED_HOSTS'],
    ['LOGLEVEL', 'LOG_LEVEL'],
    ['MODELS_DIR', 'MODEL_DIR'],
    ['MAX_FRAME', 'MAX_FRAMES'],
    ['MAX_FRAME_PIXEL', 'MAX_FRAME_PIXELS'],
    ['MAX_UPLOAD_SIZE', 'MAX_UPLOAD_BYTES'],
    ['MAX_UPLOAD_MB', 'MAX_UPLOAD_BYTES'],
    ['DEADLINE', 'DEADLINE_S'],
    ['DEADLINE_MS', 'DEADLINE_S'],
    ['DEADLINE_SECONDS', 'DEADLINE_S'],
    ['BATCH_DEADLINE', 'BATCH_DEADLINE_S'],
    ['VIDEO_TIMEOUT', 'VIDEO_TIMEOUT_S'],
    ['RENDER_WORKER', 'RENDER_WORKERS'],
    ['FFMPEG_DIRS', 'FFMPEG_DIR'],
    ['EMBEDDED_THREAD', 'EMBEDDED_THREADS'],
    ['EMBEDDED_CACHE_MB', 'EMBEDDED_CACHE_BYTES'],
    ['SUCCES_THRESHOLD', 'SUCCESS_THRESHOLD'],
  ] as const)
    t.strictSame(mistaken({ [name]: 'x' }), [`${name} is not a variable of this service. Did you mean ${meant}?`]);
});

t.test(
  'each of our names is recognised without its last letter, with one letter more, and with two swapped',
  async (t) => {
    for (const name of OURS.filter((each) => !['HOST', 'PORT'].includes(each))) {
      const swapped = `${name.slice(0, 1)}${name[2]}${name[1]}${name.slice(3)}`;
      for (const wrong of [name.slice(0, -1), `${name}S`, `${name}_`, swapped].filter((each) => !OURS.includes(each)))
        t.equal(mistaken({ [wrong]: 'x' }).length, 1, wrong);
    }
  },
);

t.test(
  'an unknown variable with a prefix of ours is reported with the existing variables of that prefix',
  async (t) => {
    t.match(mistaken({ ENGINE_TIMEOUT: '5' }), [
      /^ENGINE_TIMEOUT is not a variable.*begin with ENGINE_ are ENGINE_URL, /,
    ]);
    t.match(mistaken({ EMBEDDED_GPU: '1' }), [/begin with EMBEDDED_ are EMBEDDED_THREADS, EMBEDDED_CACHE_BYTES\.$/]);
  },
);

t.test('our own variables and empty variables are accepted', async (t) => {
  t.strictSame(mistaken(Object.fromEntries(OURS.map((name) => [name, 'x']))), []);
  t.strictSame(mistaken({ API_KEY: '' }), [], 'Docker Compose passes on an unset variable as an empty one');
});

/** Variables that shells, containers and other programs set. */
const FOREIGN = {
  'a shell': `PATH HOME HOSTNAME HOSTTYPE USER PWD OLDPWD SHELL SHLVL TERM LANG LC_ALL TMPDIR TZ EDITOR LOGNAME MAIL DISPLAY
    SSH_AUTH_SOCK SSH_CONNECTION XDG_CACHE_HOME XDG_RUNTIME_DIR COLORTERM PS1 _ http_proxy https_proxy no_proxy HTTP_PROXY`,
  'Node and npm': `NODE NODE_ENV NODE_OPTIONS NODE_PATH NODE_VERSION NODE_EXTRA_CA_CERTS YARN_VERSION INIT_CWD npm_config_loglevel
    npm_config_cache npm_package_name npm_package_engines_node npm_lifecycle_event UV_THREADPOOL_SIZE`,
  Kubernetes: `KUBERNETES_SERVICE_HOST KUBERNETES_SERVICE_PORT KUBERNETES_SERVICE_PORT_HTTPS KUBERNETES_PORT
    KUBERNETES_PORT_443_TCP KUBERNETES_PORT_443_TCP_PROTO KUBERNETES_PORT_443_TCP_PORT KUBERNETES_PORT_443_TCP_ADDR POD_NAME
    POD_IP NODE_NAME NAMESPACE SERVICE_ACCOUNT`,
  'images and hosts': `GPG_KEY PYTHON_VERSION CI GITHUB_TOKEN RENDER RENDER_SERVICE_ID RENDER_EXTERNAL_URL DYNO FLY_APP_NAME
    AWS_REGION AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY NVIDIA_VISIBLE_DEVICES NVIDIA_DRIVER_CAPABILITIES CUDA_VERSION
    LD_LIBRARY_PATH OMP_NUM_THREADS MAX_JOBS`,
  'keys of other services': `OPENAI_API_KEY ANTHROPIC_API_KEY HF_TOKEN WANDB_API_KEY AWS_KEYS GPG_KEYS APP_KEY APP_KEYS API_TOKEN API_URL
    API_HOST SECRET_KEY SECRET_ID SECRET_KEY_BASE TOPREWARD_API_KEY TOPREWARD_URL`,
  'vLLM, its start script and tools for the same models': `VLLM_API_KEY VLLM_HOST_IP VLLM_PORT VLLM_LOGGING_LEVEL MODEL MAX_MODEL_LEN
    TENSOR_PARALLEL GPUS MAX_NUM_SEQS MAX_BATCH_SIZE MAX_PIXELS MIN_PIXELS VIDEO_MAX_PIXELS VIDEO_MIN_PIXELS FPS FPS_MAX_FRAMES
    MAX_EPISODES IMAGEIO_FFMPEG_EXE FFMPEG_BIN FFMPEG_PATH FFMPEG_BINARY ORT_DISABLE_TELEMETRY MUJOCO_GL`,
  'similar to HOST and PORT':
    'HOSTS PORTS POST GHOST HOST_IP PORT_HTTP HOST_PORT HTTP_PORT TOPREWARD_HOST TOPREWARD_PORT',
};

for (const [whose, names] of Object.entries(FOREIGN)) {
  t.test(`variables of other programs do not stop the service: ${whose}`, async (t) => {
    for (const name of names.split(/\s+/)) t.strictSame(mistaken({ [name]: 'x' }), [], name);
  });
}

t.test('variables that link to other services are accepted, whatever the services are called', async (t) => {
  for (const service of ['TOPREWARD', 'ENGINE', 'EMBEDDED', 'API_KEYS', 'VLLM', 'ENGINE_URL']) {
    const links = {
      SERVICE_HOST: '10.0.0.7',
      SERVICE_PORT: '8000',
      SERVICE_PORT_HTTP: '8000',
      PORT: 'tcp://10.0.0.7:8000',
      PORT_8000_TCP: 'tcp://10.0.0.7:8000',
      PORT_8000_TCP_PROTO: 'tcp',
      PORT_8000_TCP_PORT: '8000',
      PORT_8000_TCP_ADDR: '10.0.0.7',
      PORT_53_UDP: 'udp://10.0.0.7:53',
      NAME: '/topreward/engine',
      ENV_VLLM_VERSION: '0.32.0',
    };
    for (const [ending, value] of Object.entries(links))
      t.strictSame(mistaken({ [`${service}_${ending}`]: value }), []);
  }
  t.equal(mistaken({ ENGINE_PORT: '8000' }).length, 1, 'a port that a person typed is not such a link');
});

t.test('the service does not start with a mistaken variable', async (t) => {
  t.throws(() => loadConfig({ API_KEY: 'x' }), /^Configuration: API_KEY is not a variable.*Did you mean API_KEYS\?$/);
  t.throws(
    () => loadConfig({ ENGINE_URLS: 'http://a', PORT: 'x' }),
    /^Configuration: ENGINE_URLS .*\nConfiguration: PORT must be a whole number\.$/,
  );
  t.throws(
    () => loadConfig({ ENGINE_URLS: 'http://a', ENGINE_URL: 'a', API_KEYS: 'a' }),
    /ENGINE_URLS.*\n.*ENGINE_URL .*\n.*API_KEYS/,
  );
});

t.test('the message about a wrong value says which values are accepted', async (t) => {
  for (const [env, wanted] of [
    [{ PORT: '70000' }, 'PORT must be at most 65535.'],
    [{ MAX_FRAMES: '1.5' }, 'MAX_FRAMES must be a whole number.'],
    [{ DEADLINE_S: 'Infinity' }, 'DEADLINE_S must be a number.'],
    [{ DEADLINE_S: 'true' }, 'DEADLINE_S must be a number.'],
    [{ DEADLINE_S: '1e9' }, 'DEADLINE_S must be at most 86400.'],
    [{ LOG_LEVEL: 'loud' }, 'LOG_LEVEL must be one of fatal, error, warn, info, debug, silent.'],
    [
      { ENGINE_SESSION_HEADER: 'authorization' },
      'ENGINE_SESSION_HEADER must be x- and letters, digits or hyphens, like x-session-id.',
    ],
    [{ ENGINE_URL: 'ftp://a' }, 'ENGINE_URL must be an http or https URL, like http://127.0.0.1:8000.'],
  ] as const)
    t.throws(() => loadConfig(env), { message: `Configuration: ${wanted}` });
});

t.test('without an engine, a variable that selects its model is refused', async (t) => {
  for (const name of ['MODEL_PROFILE', 'ENGINE_MODEL']) {
    const message = `Configuration: ${name} is for vLLM. Set ENGINE_URL to its address, or remove ${name}.`;
    t.throws(() => loadConfig({ [name]: 'internvl' }), { message });
    for (const others of [{ ENGINE: 'embedded' }, { ENGINE: 'vllm' }, { ENGINE_URL: 'http://a' }])
      t.match(loadConfig({ ...others, [name]: 'internvl' }), { [name]: 'internvl' });
    t.equal(loadConfig({ [name]: '' }).ENGINE, 'embedded', 'an empty one is not set');
  }
});
