/**
 * Refusals in the shapes that Feast's clients read: a JSON text that holds JSON with `module`, `class` and `message`, of which the client
 * makes its own exception; and FastAPI's `detail` for a body of the wrong form.
 */
import { ERRORS, MillraceError } from '#domain/errors.ts';

export interface FeastAnswer {
  readonly status: number;
  readonly body: unknown;
}

const classOf = ({ code, details }: MillraceError): string => {
  if (code === 'MR_REQUEST_INVALID') return 'RequestDataNotFoundInEntityRowsException';
  if (code === 'MR_UNAUTHENTICATED' || code === 'MR_FORBIDDEN') return 'FeastPermissionError';
  if (code === 'MR_UNKNOWN_SOURCE') return 'PushSourceNotFoundException';
  if (code !== 'MR_NOT_FOUND') return 'FeastError';
  return details.service === undefined ? 'FeatureViewNotFoundException' : 'FeatureServiceNotFoundException';
};

/** FastAPI's answer to a body that its model does not take. */
export const unprocessable = (at: readonly (string | number)[], message: string): FeastAnswer => ({
  status: 422,
  body: { detail: [{ type: 'value_error', loc: ['body', ...at], msg: message }] },
});

/** Null: not a refusal of ours; the gateway's own handler answers. */
export const feastAnswerOf = (error: unknown): FeastAnswer | null => {
  if (!(error instanceof MillraceError)) return null;
  const message = `${error.message} (${error.code})`;
  if (error.code === 'MR_BODY_INVALID' || error.code === 'MR_ENTITY_INVALID') return unprocessable([], message);
  const status = error.code === 'MR_REQUEST_INVALID' ? 404 : ERRORS[error.code].status;
  return { status, body: JSON.stringify({ module: 'feast.errors', class: classOf(error), message }) };
};
