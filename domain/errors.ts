/** Errors that a user can see: a code of the table, a message and details. */
import { ERRORS, type ErrorCode } from './error-codes.ts';

export { ERRORS, type ErrorCode };

export type ErrorDetails = Readonly<Record<string, unknown>>;

/** One problem as data: for refusals that are returned, and for lists of problems. */
export interface Problem {
  readonly code: ErrorCode;
  readonly message: string;
  readonly details?: ErrorDetails;
}

/** A message quotes the input, which may be megabytes: longer messages are cut here. */
const MAX_MESSAGE = 4_000;
const MAX_DETAIL = 1_000;

const cut = (text: string, most: number): string =>
  text.length <= most ? text : `${text.slice(0, most).toWellFormed()}…`;

const shortDetails = (details: ErrorDetails): ErrorDetails => {
  for (const value of Object.values(details)) {
    if (typeof value !== 'string' || value.length <= MAX_DETAIL) continue;
    return Object.fromEntries(
      Object.entries(details).map(([key, one]) => [
        key,
        typeof one === 'string' ? cut(one, MAX_DETAIL) : one,
      ]),
    );
  }
  return details;
};

/** A problem that is thrown. `message` must say what is wrong and where. */
export class MillraceError extends Error {
  readonly code: ErrorCode;
  readonly details: ErrorDetails;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(cut(message, MAX_MESSAGE));
    this.name = 'MillraceError';
    this.code = code;
    this.details = shortDetails(details);
  }

  get status(): number {
    return ERRORS[this.code].status;
  }

  /** The form in HTTP answers and with `--json`. */
  toJSON(): { code: ErrorCode; message: string; details: ErrorDetails } {
    return { code: this.code, message: this.message, details: this.details };
  }
}

export const hasCode = (error: unknown, code: ErrorCode): error is MillraceError =>
  error instanceof MillraceError && error.code === code;

/**
 * Whether the same request may succeed shortly. A daily quota (MR_QUOTA_EXCEEDED) is not restored
 * so soon.
 */
export const isTemporary = (error: unknown): boolean =>
  hasCode(error, 'MR_RATE_LIMITED') || (error instanceof MillraceError && error.status === 503);

export const fail = (code: ErrorCode, message: string, details?: ErrorDetails): never => {
  throw new MillraceError(code, message, details);
};
