import { restartLean } from './lean-memory.ts';

// First of all, so that nothing is loaded twice.
restartLean();
await import('./serve.ts');
