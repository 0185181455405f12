import { writeFile } from 'node:fs/promises';
import { contractYaml } from './contract.ts';

await writeFile(new URL('../../openapi.yaml', import.meta.url), await contractYaml());
