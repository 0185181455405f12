import closeWithGrace from 'close-with-grace';
import { buildApp } from './app.ts';
import { configOrExit } from './config/config.ts';
import { createEngine } from './engines/create-engine.ts';
import { TOPREWARD } from './methods/topreward/method.ts';
import { createLog } from './process/log.ts';

const config = configOrExit();
const { log, flushed } = createLog(config.LOG_LEVEL);

/** Ends the process of a service that cannot start, with the reason in the log. */
async function exit(reason: string): Promise<never> {
  log.fatal(reason);
  await flushed();
  process.exit(1);
}

const engine = await createEngine(config, log, TOPREWARD).catch(({ message }: Error) => exit(message));
const app = await buildApp(config, engine, log);

// Requests in progress may finish. After the longest deadline, no client waits any more.
const delay = Math.max(config.DEADLINE_S, config.BATCH_DEADLINE_S) * 1000;
closeWithGrace({ delay, logger: log }, async ({ err }) => {
  if (err) log.fatal({ err }, 'stopping after an error');
  await app.close();
  await flushed();
});

try {
  await app.listen({ host: config.HOST, port: config.PORT });
} catch (error) {
  await app.close();
  await exit(`Cannot listen on HOST=${config.HOST}, PORT=${config.PORT}: ${(error as Error).message}`);
}
