import { writeFile } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';
import { packagedScalar } from './scalar.ts';

// npm run build:reference, after each update of @scalar/fastify-api-reference. The package and what it needs are 16 MB, so the
// service ships its script only, compressed.

const folder = new URL('../../reference/', import.meta.url);
const { script, licence } = await packagedScalar();
await writeFile(new URL('scalar.js.gz', folder), gzipSync(script, { level: 9 }));
await writeFile(new URL('scalar.LICENSE', folder), licence);
