import packageJson from '../../package.json' with { type: 'json' };

/** Name and version of this service, as in responses and in the contract. */
export const SERVICE = { name: packageJson.name, version: packageJson.version };
