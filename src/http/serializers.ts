import { SerializerSelector } from '@fastify/fast-json-stringify-compiler';

type Factory = ReturnType<typeof SerializerSelector>;
type Serializer = ReturnType<ReturnType<Factory>>;

/** Serializers by their schemas, which are constants of their modules. */
const made = new WeakMap<object, Serializer>();

/**
 * Builds Fastify's own serializers, but one for each schema instead of one for each status of each route: 8 instead of 47, most
 * of which would be for problems. Building the app takes 0.18 s instead of 0.3 s, and 0.04 s the next time in a process.
 */
export const buildSerializer: Factory = (externalSchemas, options) => {
  const compile = SerializerSelector()(externalSchemas, options);
  return (route) => {
    const { schema } = route;
    if (typeof schema !== 'object' || schema === null) return compile(route);
    const serializer = made.get(schema) ?? compile(route);
    made.set(schema, serializer);
    return serializer;
  };
};
