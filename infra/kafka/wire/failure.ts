/** The failure of a request to a broker: a refusal by the broker, or a broken connection. */
import { findErrorBy, protocolErrorsCodesById, ResponseError } from '@platformatic/kafka';

export class KafkaFailure extends Error {
  /** Kafka's names of the errors, such as NOT_COORDINATOR; empty if no broker answered */
  readonly types: readonly string[];
  /** the whole answer, if a broker refused a part of the request */
  readonly response: unknown;

  constructor(message: string, types: readonly string[], response?: unknown, cause?: unknown) {
    super(message, cause === undefined ? {} : { cause });
    this.types = types;
    this.response = response;
  }
}

/** Kafka's name of an error code; null: no error. */
export const errorName = (code: number): string | null =>
  code === 0
    ? null
    : ((protocolErrorsCodesById as Readonly<Record<number, string>>)[code] ?? `error ${code}`);

export const refused = (what: string, type: string): KafkaFailure =>
  new KafkaFailure(`${what}: ${type}`, [type]);

const typesOf = (error: ResponseError): readonly string[] =>
  error.errors.flatMap((one: unknown) => {
    const { apiId } = one as { readonly apiId?: unknown };
    return typeof apiId === 'string' ? [apiId] : [];
  });

export const asFailure = (error: unknown, broker: string): KafkaFailure => {
  if (error instanceof KafkaFailure) return error;
  if (error instanceof ResponseError) {
    const types = typesOf(error);
    return new KafkaFailure(`${broker} answered ${types.join(', ')}`, types, error['response']);
  }
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const message = cause instanceof Error ? cause.message : String(cause);
  return new KafkaFailure(`${broker}: ${message}`, [], undefined, error);
};

/** True for a bug: an invalid request, or an answer that this process cannot decode. */
export const isBug = (error: unknown): boolean =>
  error instanceof TypeError ||
  error instanceof RangeError ||
  (error instanceof Error && findErrorBy(error, 'code', 'PLT_KFK_USER') !== null);
