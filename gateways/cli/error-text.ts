/** A refusal as text for a terminal: one line per problem, and a hint where it adds something. */
import { ERRORS, type ErrorCode, type MillraceError, type Problem } from '#domain/errors.ts';

/** Codes whose remedy says more than their messages do. */
const HINTED: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'MR_NOT_FOUND',
  'MR_INCOMPATIBLE_REVISION',
  'MR_VIEW_NOT_READY',
  'MR_POSITION_NOT_REACHED',
  'MR_DATA_DIR_LOCKED',
  'MR_DATA_DIR_NEWER',
  'MR_DISK_FULL',
  'MR_UNAUTHENTICATED',
  'MR_FORBIDDEN',
  'MR_QUOTA_EXCEEDED',
  'MR_UNREACHABLE',
  'MR_UNAVAILABLE',
  'MR_LOG_UNAVAILABLE',
  'MR_STORE_UNAVAILABLE',
  'MR_ENGINE_UNAVAILABLE',
  'MR_ENGINE_FAILED',
  'MR_STACK_FAILED',
  'MR_INTERNAL',
]);

/** A message that names a command, or another name, says already what to do. */
const SAYS_WHAT_TO_DO = /`millrace |did you mean /;

const isProblem = (value: unknown): value is Problem =>
  typeof value === 'object' && value !== null && 'code' in value && 'message' in value;

/** The problems of a refusal that has several; else the refusal itself. */
const problemsOf = (error: MillraceError): readonly Problem[] => {
  const { problems } = error.details;
  return Array.isArray(problems) && problems.length > 0 && problems.every(isProblem)
    ? problems
    : [error];
};

const hintFor = ({ code, message }: Problem): string | null =>
  HINTED.has(code) && !SAYS_WHAT_TO_DO.test(message) ? ERRORS[code].remedy : null;

export const errorText = (error: MillraceError): string => {
  const problems = problemsOf(error);
  const hints = new Set(problems.map(hintFor).filter((hint) => hint !== null));
  return [
    ...problems.map(({ code, message }) => `error ${code}: ${message.replace(/\s*\n\s*/g, ' ')}`),
    ...[...hints].map((hint) => `  ${hint}`),
    '',
  ].join('\n');
};
