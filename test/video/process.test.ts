import { realpathSync } from 'node:fs';
import { getPriority } from 'node:os';
import t, { type Test } from 'tap';
import { limitedCommand, startTool, startToolWithNotes, type ToolOptions } from '../../src/video/process.ts';

const place = { part: 'video' };

/** Options without prlimit, which some systems do not have. */
const common = () => {
  const { signal } = new AbortController();
  return { folder: '/', prlimit: undefined, memoryBytes: 1000, timeoutS: 60, place, signal };
};

function start(t: Test, file: string, args: string[], options: Partial<ToolOptions> = {}) {
  const tool = startTool(file, args, { ...common(), ...options });
  t.teardown(() => tool.kill());
  return tool;
}

const shell = (t: Test, script: string, options?: Partial<ToolOptions>) => start(t, '/bin/sh', ['-c', script], options);

async function textOf(stream: AsyncIterable<Buffer>): Promise<string> {
  let text = '';
  for await (const chunk of stream) text += chunk;
  return text;
}

t.test('with prlimit, the command sets limits before it runs the program', async (t) => {
  const limits = { prlimit: '/bin/prlimit', memoryBytes: 1000 };
  for (const [timeoutS, cpu] of [
    [60, 480],
    [0.1, 1],
    [1.3, 11],
  ] as const)
    t.strictSame(limitedCommand('/bin/ffmpeg', ['-i', 'a b'], { ...limits, timeoutS }), [
      '/bin/prlimit',
      ['--data=1000', '--fsize=0', `--cpu=${cpu}`, '--core=0', '--', '/bin/ffmpeg', '-i', 'a b'],
    ]);
  t.strictSame(limitedCommand('/bin/ffmpeg', ['-i'], { ...limits, prlimit: undefined, timeoutS: 60 }), [
    '/bin/ffmpeg',
    ['-i'],
  ]);
});

t.test('a program runs in its folder, without environment, input or a shell', async (t) => {
  const folder = realpathSync(t.testdir());
  for (const [file, args, output] of [
    ['/bin/pwd', [], `${folder}\n`],
    ['/usr/bin/env', [], ''],
    ['/bin/cat', [], ''],
    ['/bin/echo', ['$HOME;', '*'], '$HOME; *\n'],
  ] as const) {
    const tool = start(t, file, [...args], { folder });
    t.equal(await textOf(tool.output), output, file);
    t.equal(await tool.end(), undefined, file);
  }
});

t.test('a program has a lower priority than the service', async (t) => {
  const tool = shell(t, 'echo $$; exec /bin/sleep 60');
  const [line] = await tool.output.take(1).toArray();
  t.ok(getPriority(Number(line)) >= 5);
});

t.test('file descriptor 3 is open if it is requested', async (t) => {
  const tool = startToolWithNotes('/bin/sh', ['-c', 'echo pixels; echo note >&3'], common());
  t.teardown(() => tool.kill());
  t.strictSame(await Promise.all([textOf(tool.output), textOf(tool.notes)]), ['pixels\n', 'note\n']);
  t.equal(await tool.end(), undefined);
  const without = shell(t, 'echo note >&3');
  t.type(await without.end(), Error);
});

t.test('the end of a program is a success, a fault or a problem', async (t) => {
  const ends: [script: string, fault: string | undefined][] = [
    ['exit 0', undefined],
    ['echo "a warning" >&2', undefined],
    ['echo " broken " >&2; exit 1', 'broken'],
    ['exit 3', 'The program ended with 3.'],
    ['kill -15 $$', 'The program ended with SIGTERM.'],
  ];
  for (const [script, fault] of ends) t.equal((await shell(t, script).end())?.message, fault, script);
  const problems: [script: string, code: string, more: object][] = [
    ['exit 126', 'server-busy', { retry_after_s: 5 }],
    ['exit 127', 'server-busy', { retry_after_s: 5 }],
    ['kill -9 $$', 'video-too-large', { limit: 1000 }],
    ['echo "Cannot allocate memory" >&2; exit 1', 'video-too-large', { limit: 1000 }],
    ['echo "Out of memory!" >&2; exit 1', 'video-too-large', { limit: 1000 }],
    ['echo "Error allocating frame" >&2; exit 1', 'video-too-large', { limit: 1000 }],
    ['echo "Failed to allocate a buffer" >&2; exit 1', 'video-too-large', { limit: 1000 }],
    ['echo "std::bad_alloc" >&2; exit 134', 'video-too-large', { limit: 1000 }],
  ];
  for (const [script, code, more] of problems)
    await t.rejects(shell(t, script).end(), { code, place: { ...place, ...more } }, script);
});

t.test('a program that the service kills has a fault, and its memory is not the cause', async (t) => {
  const tool = shell(t, 'echo "Cannot allocate memory" >&2; echo ready; exec /bin/sleep 60');
  await tool.output.take(1).toArray();
  tool.kill();
  t.type(await tool.end(), Error);
});

t.test('the log has only the end of a long error output', async (t) => {
  const count = 'i=0; while [ $i -lt 400 ]; do echo "line $i" >&2; i=$((i+1)); done; exit 1';
  const { message } = (await shell(t, count).end()) as Error;
  t.ok(message.endsWith('line 398\nline 399'));
  t.notMatch(message, 'line 100');
  t.ok(message.length > 1900 && message.length <= 2000, `${message.length} characters`);
});

t.test('a program ends at its time limit and when its signal aborts', async (t) => {
  await t.rejects(shell(t, 'exec /bin/sleep 60', { timeoutS: 0.02 }).end(), {
    code: 'video-timeout',
    place: { ...place, limit: 0.02 },
  });
  const gone = new AbortController();
  const tool = shell(t, 'echo ready; exec /bin/sleep 60', { signal: gone.signal });
  await tool.output.take(1).toArray();
  gone.abort(new Error('gone'));
  await t.rejects(tool.end(), { message: 'gone' });
});
