import closeWithGrace from 'close-with-grace';
import { pino } from 'pino';
import { buildApp } from './app.ts';
import { configOrExit } from './config.ts';
import { createEngine } from './engine/create-engine.ts';

const config = configOrExit();
const log = pino({ level: config.LOG_LEVEL });
const engine = await createEngine(config, log).catch((error: Error) => {
  log.fatal(error.message);
  process.exit(1);
});
const app = await buildApp(config, engine, log);

// Episodes in flight may finish; after the longest deadline there is nobody left to answer.
const delay = Math.max(config.DEADLINE_S, config.BATCH_DEADLINE_S) * 1000;
closeWithGrace({ delay, logger: log }, async ({ err }) => {
  if (err) log.fatal({ err }, 'stopping after an error');
  await app.close();
});

try {
  await app.listen({ host: config.HOST, port: config.PORT });
} catch (error) {
  log.fatal(`Cannot listen on HOST=${config.HOST}, PORT=${config.PORT}: ${(error as Error).message}`);
  await app.close();
  process.exit(1);
}
