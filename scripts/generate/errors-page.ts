/**
 * Writes docs/ERRORS.md, and the table of the Python package, from the error table:
 * `node scripts/generate/errors-page.ts`. A test compares them with the table.
 */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { ERRORS } from '#domain/errors.ts';

const path = (name: string): string => fileURLToPath(new URL(`../../${name}`, import.meta.url));
export const ERRORS_PAGE = path('docs/ERRORS.md');
export const PYTHON_ERRORS = path('python/src/millrace/_codes.py');

export const errorsPage = (): string =>
  [
    '# Errors',
    '',
    'Every error that a user can see has a stable code, except wrong usage of the command line, some',
    "answers of Feast's routes, and what the gRPC library answers itself, such as an unknown method.",
    'The message says what is wrong and where. The remedy says what to do.',
    '',
    '- Over HTTP, the body is a JSON object with `code`, `message` and `details`, and the answer has',
    "  the HTTP status of the table. Feast's routes answer in Feast's form, with Feast's status.",
    '- Over gRPC, the trailer `millrace-code` has the code.',
    '- The command line prints `error CODE: message` on stderr, and for some codes the remedy below',
    '  it; with `--json`, it prints the error as JSON. It exits with 1, and with 3 for',
    '  `MR_APPROVAL_REQUIRED`.',
    '- Wrong usage of the command line has no code: it prints `error: message` and exits with 2.',
    '  `millrace plan` also exits with 2 if a change would break a reader: a definition that uses the',
    '  changed one.',
    '',
    'This page is generated from the table in `domain/error-codes.ts`.',
    '',
    '| code | HTTP status | remedy |',
    '|---|---|---|',
    ...Object.entries(ERRORS).map(
      ([code, { status, remedy }]) =>
        `| \`${code}\` | ${status} | ${remedy.replaceAll('|', '\\|')} |`,
    ),
    '',
  ].join('\n');

/** A text of JSON is one of Python, too. */
export const pythonErrors = (): string =>
  [
    '"""Every error of Millrace: its HTTP status, and what to do. Written from',
    'domain/error-codes.ts by scripts/generate/errors-page.ts."""',
    '',
    'ERRORS: dict[str, tuple[int, str]] = {',
    ...Object.entries(ERRORS).flatMap(([code, { status, remedy }]) => [
      `    "${code}": (`,
      `        ${status},`,
      `        ${JSON.stringify(remedy)},`,
      '    ),',
    ]),
    '}',
    '',
  ].join('\n');

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(ERRORS_PAGE, errorsPage());
  writeFileSync(PYTHON_ERRORS, pythonErrors());
}
