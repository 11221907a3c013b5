/**
 * Refusals in the forms that Feast's clients read: a JSON text that contains JSON with `module`,
 * `class` and `message`, from which the client makes its own exception; and FastAPI's `detail` for
 * an invalid body.
 */
import { ERRORS, type ErrorCode, MillraceError } from '#domain/errors.ts';

interface FeastAnswer {
  readonly status: number;
  readonly body: unknown;
}

/** Feast's status, if it differs from ours. */
const STATUS: Readonly<Partial<Record<ErrorCode, number>>> = {
  MR_REQUEST_INVALID: 404,
  MR_UNKNOWN_SOURCE: 422,
};

const classOf = ({ code, details }: MillraceError): string => {
  if (code === 'MR_REQUEST_INVALID') return 'RequestDataNotFoundInEntityRowsException';
  if (code === 'MR_UNAUTHENTICATED' || code === 'MR_FORBIDDEN') return 'FeastPermissionError';
  if (code === 'MR_UNKNOWN_SOURCE') return 'PushSourceNotFoundException';
  if (code !== 'MR_NOT_FOUND') return 'FeastError';
  return details.service === undefined
    ? 'FeatureViewNotFoundException'
    : 'FeatureServiceNotFoundException';
};

/** FastAPI repeats the input; here long inputs are left out. */
const isShort = (input: unknown): boolean =>
  input !== undefined && (JSON.stringify(input)?.length ?? 0) <= 1000;

/** FastAPI's answer to a body that does not fit its model. */
const unprocessable = (
  at: readonly (string | number)[],
  message: string,
  type = 'value_error',
  input?: unknown,
): FeastAnswer => ({
  status: 422,
  body: {
    detail: [{ type, loc: ['body', ...at], msg: message, ...(isShort(input) ? { input } : {}) }],
  },
});

/** A refusal by the JSON Schema. */
interface Refused {
  readonly keyword: string;
  readonly instancePath: string;
  readonly params: Readonly<Record<string, unknown>>;
  readonly message?: string;
}

/** FastAPI's messages for a value of the wrong type. */
const WRONG_TYPE: ReadonlyMap<unknown, readonly [type: string, message: string]> = new Map([
  ['array', ['list_type', 'Input should be a valid list']],
  ['object', ['dict_type', 'Input should be a valid dictionary']],
  ['string', ['string_type', 'Input should be a valid string']],
  ['boolean', ['bool_type', 'Input should be a valid boolean']],
]);

export const schemaRefusal = (
  { keyword, instancePath, params, message }: Refused,
  body: unknown,
): FeastAnswer => {
  const path = instancePath
    .split('/')
    .slice(1)
    .map((part) =>
      /^\d+$/.test(part) ? Number(part) : part.replaceAll('~1', '/').replaceAll('~0', '~'),
    );
  const input = path.reduce<unknown>(
    (value, part) => (value as Record<string | number, unknown> | null)?.[part],
    body,
  );
  if (keyword === 'required')
    return unprocessable(
      [...path, String(params.missingProperty)],
      'Field required',
      'missing',
      input,
    );
  const wrong = keyword === 'type' ? WRONG_TYPE.get(params.type) : undefined;
  if (wrong !== undefined) return unprocessable(path, wrong[1], wrong[0], input);
  return unprocessable(path, message ?? 'does not have the right form', 'value_error', input);
};

/** Null: not a MillraceError; the gateway's own handler answers. */
export const feastAnswerOf = (error: unknown): FeastAnswer | null => {
  if (!(error instanceof MillraceError)) return null;
  const message = `${error.message} (${error.code})`;
  if (error.code === 'MR_BODY_INVALID' || error.code === 'MR_ENTITY_INVALID')
    return unprocessable([], message);
  const status = STATUS[error.code] ?? ERRORS[error.code].status;
  return {
    status,
    body: JSON.stringify({ module: 'feast.errors', class: classOf(error), message }),
  };
};
