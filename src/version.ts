import packageJson from '../package.json' with { type: 'json' };

/** Name and version of this service, as answers and the contract give them. */
export const SERVICE = { name: packageJson.name, version: packageJson.version };
