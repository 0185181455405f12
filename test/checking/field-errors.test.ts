import t from 'tap';
import { type TSchema, Type } from 'typebox';
import { Compile } from 'typebox/compile';
import { DIGEST } from '../../schemas/episode.ts';
import { nullable } from '../../schemas/nullable.ts';
import { createChecker } from '../../src/checking/checker.ts';
import { fieldErrors, invalidRequest } from '../../src/checking/field-errors.ts';

const errorsOf = (schema: TSchema, wrong: unknown) => fieldErrors(Compile(schema).Errors(wrong), '/at');
const Range = Type.Object({ low: Type.Number(), high: Type.Number() });

t.test('a requirement is in words that follow the name of the value', async (t) => {
  const cases: [schema: TSchema, wrong: unknown, detail: string][] = [
    [Type.Number(), 'a', 'must be a number'],
    [Type.Integer(), 0.5, 'must be a whole number'],
    [Type.String(), 1, 'must be a string'],
    [Type.Boolean(), 1, 'must be true or false'],
    [Type.Array(Type.Number()), 1, 'must be a list'],
    [Range, 1, 'must be an object'],
    [Type.BigInt(), 1, 'must be bigint'],
    [Type.Enum(['open', 'chat']), 'closed', 'must be one of open, chat'],
    [Range, {}, 'must have `low`, `high`'],
    [Range, { low: 1 }, 'must have `high`'],
    [Type.Number({ minimum: 2 }), 1, 'must be at least 2'],
    [Type.Number({ maximum: 2 }), 3, 'must be at most 2'],
    [Type.Number({ exclusiveMinimum: 2 }), 2, 'must be above 2'],
    [Type.String({ minLength: 1 }), '', 'must not be empty'],
    [Type.String({ minLength: 2 }), 'a', 'must have at least 2 characters'],
    [Type.String({ maxLength: 2 }), 'abc', 'must have at most 2 characters'],
    [Type.Array(Type.Number(), { minItems: 1 }), [], 'must not be empty'],
    [Type.Array(Type.Number(), { minItems: 2 }), [1], 'must have at least 2 entries'],
    [Type.Array(Type.Number(), { maxItems: 2 }), [1, 2, 3], 'must have at most 2 entries'],
    [Type.String({ pattern: DIGEST }), 'A', 'must be a SHA-256 in lowercase hex (64 characters), or empty'],
    [Type.String({ pattern: '^a$' }), 'b', 'must match pattern "^a$"'],
    [Type.Number({ multipleOf: 2 }), 3, 'must be multiple of 2'],
  ];
  for (const [schema, wrong, detail] of cases) t.strictSame(errorsOf(schema, wrong), [{ pointer: '/at', detail }]);
});

t.test('each wrong place is reported once, by its own error', async (t) => {
  const cases: [schema: TSchema, wrong: unknown, places: string[]][] = [
    [nullable(Type.Number()), 'a', ['/at']],
    [nullable(Range), { low: 'a', high: null }, ['/at/low', '/at/high']],
    [Type.Array(nullable(Range)), [null, { low: 1 }], ['/at/1']],
    [Type.Object({ low: Type.Number() }, { additionalProperties: false }), { low: 'a', more: 1 }, ['/at/low']],
  ];
  for (const [schema, wrong, places] of cases) {
    t.strictSame(
      errorsOf(schema, wrong).map(({ pointer }) => pointer),
      places,
    );
    t.throws(() => createChecker(schema)(wrong, '/at'), { code: 'invalid-request' });
  }
});

t.test('the detail of the problem is its first error', async (t) => {
  const errors = errorsOf(Range, { low: 'a', high: 'b' });
  t.match(invalidRequest(errors), { message: '/at/low must be a number', place: { pointer: '/at/low', errors } });
  t.match(invalidRequest([{ pointer: '', detail: 'must be an object' }]), {
    message: 'The document must be an object',
  });
  t.match(invalidRequest([]), { message: 'The request does not match its schema.', place: {} });
});
