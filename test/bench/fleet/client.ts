// The process of a simulated fleet. measure.ts starts it, sends it a plan and, after the warm-up, the word to begin, and ends it.
import { once } from 'node:events';
import { fleetOf } from './fleet.ts';
import type { Plan } from './robots.ts';

process.once('disconnect', () => process.exit());
const [plan] = (await once(process, 'message')) as [Plan];
const fleet = fleetOf(plan);
await fleet.warmUp();
process.send?.('warm');
await once(process, 'message');
process.send?.(await fleet.run());
