import { writeFile } from 'node:fs/promises';
import { contractYaml } from './contract.ts';
import { problemsPage } from './problems-page.ts';

await writeFile(new URL('../../openapi.yaml', import.meta.url), await contractYaml());
await writeFile(new URL('../../docs/reference/problems.md', import.meta.url), problemsPage());
