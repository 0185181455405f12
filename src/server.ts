import { restartLean } from './process/lean-memory.ts';

// The restart comes before all other imports, so that nothing is loaded twice.
restartLean();
await import('./serve.ts');
