/** One line per problem, and a hint only where it adds something. */
import { expect, test } from 'vitest';
import { ERRORS, MillraceError } from '#domain/errors.ts';
import { errorText } from './error-text.ts';

test('a message that says what to do has no hint', () => {
  expect(errorText(new MillraceError('MR_FILE_INVALID', 'a.ts:3 failed: no'))).toBe(
    'error MR_FILE_INVALID: a.ts:3 failed: no\n',
  );
  const named = 'nothing is registered as "airprt"; did you mean "airport"?';
  expect(errorText(new MillraceError('MR_NOT_FOUND', named))).toBe(
    `error MR_NOT_FOUND: ${named}\n`,
  );
});

test('a hint follows a message that does not', () => {
  expect(errorText(new MillraceError('MR_NOT_FOUND', 'there is no view "x"'))).toBe(
    `error MR_NOT_FOUND: there is no view "x"\n  ${ERRORS.MR_NOT_FOUND.remedy}\n`,
  );
});

test('each problem has its line, and a hint is said once', () => {
  const problems = [
    { code: 'MR_DEFINITION_INVALID', message: 'source a: no field.\nAt all.' },
    { code: 'MR_NOT_FOUND', message: 'there is no b' },
    { code: 'MR_NOT_FOUND', message: 'there is no c' },
  ];
  const error = new MillraceError('MR_DEFINITION_INVALID', 'source a (and 2 more)', { problems });
  expect(errorText(error).split('\n')).toEqual([
    'error MR_DEFINITION_INVALID: source a: no field. At all.',
    'error MR_NOT_FOUND: there is no b',
    'error MR_NOT_FOUND: there is no c',
    `  ${ERRORS.MR_NOT_FOUND.remedy}`,
    '',
  ]);
});
