import type { FastifySchemaCompiler } from 'fastify';
import type { TSchema } from 'typebox';
import { createChecker } from '../checking/checker.ts';
import { ProblemError } from '../problems/problems.ts';

/** Checks bodies with the checker that uploads use, too: its problem points to every mistake and suggests names. */
export const checkBodies: FastifySchemaCompiler<TSchema> = ({ schema }) => {
  const check = createChecker(schema);
  return (body) => {
    try {
      return { value: check(body, '') };
    } catch (error) {
      // Fastify treats an error that a validator throws as its own failure.
      if (error instanceof ProblemError) return { error };
      throw error;
    }
  };
};

/** For routes that read their body as a stream: Fastify cannot check it. src/upload checks its parts against the same schema. */
export const checkedAsStream: FastifySchemaCompiler<unknown> = () => () => true;
