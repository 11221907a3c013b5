/**
 * Writes docs/ERRORS.md from the error table: `node scripts/generate/errors-page.ts`. A test
 * compares the page with the table.
 */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { ERRORS } from '#domain/errors.ts';

export const ERRORS_PAGE = fileURLToPath(new URL('../../docs/ERRORS.md', import.meta.url));

export const errorsPage = (): string =>
  [
    '# Errors',
    '',
    'Every error that a user can see has a stable code. Over HTTP, the body is',
    '`{"code","message","details"}` with the status below. The command line prints',
    '`error CODE: message` and the remedy on stderr, and exits with 1. The message says what is',
    'wrong and where.',
    '',
    'This page is generated from the table in `domain/errors.ts`.',
    '',
    '| code | status | remedy |',
    '|---|---|---|',
    ...Object.entries(ERRORS).map(
      ([code, { status, remedy }]) =>
        `| \`${code}\` | ${status} | ${remedy.replaceAll('|', '\\|')} |`,
    ),
    '',
  ].join('\n');

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(ERRORS_PAGE, errorsPage());
