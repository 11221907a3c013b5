/** `millrace/client`: reads and publishing from TypeScript, over gRPC. */
export { type Client, type ClientOptions, connect } from './connect.ts';
export type { Producer } from './producer.ts';
export type { RetryOptions } from './retry.ts';
export type {
  EventOf,
  FieldValue,
  Freshness,
  Published,
  ReadOptions,
  RowOf,
  Rows,
  Status,
} from './types.ts';
