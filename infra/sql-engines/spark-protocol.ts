/**
 * The part of Spark Connect's protocol (spark/connect/base.proto) that a query needs, with the
 * numbers of its fields. Fields that are not here are not read.
 */
import {
  type ChannelCredentials,
  type Client,
  type ClientReadableStream,
  credentials,
  loadPackageDefinition,
  Metadata,
  type ServiceDefinition,
  type ServiceError,
} from '@grpc/grpc-js';
import { fromJSON } from '@grpc/proto-loader';

const field = (type: string, id: number) => ({ type, id });
const many = (type: string, id: number) => ({ rule: 'repeated', type, id });

const SESSION = {
  sessionId: field('string', 1),
  userContext: field('UserContext', 2),
};

const MESSAGES = {
  UserContext: { fields: { userId: field('string', 1), userName: field('string', 2) } },
  Sql: { fields: { query: field('string', 1) } },
  Relation: { fields: { sql: field('Sql', 10) } },
  Plan: { fields: { root: field('Relation', 1) } },
  ExecutePlanRequest: {
    fields: {
      ...SESSION,
      plan: field('Plan', 3),
      clientType: field('string', 4),
      operationId: field('string', 6),
    },
  },
  ArrowBatch: { fields: { rowCount: field('int64', 1), data: field('bytes', 2) } },
  ExecutePlanResponse: { fields: { arrowBatch: field('ArrowBatch', 2) } },
  KeyValue: { fields: { key: field('string', 1), value: field('string', 2) } },
  SetOperation: { fields: { pairs: many('KeyValue', 1) } },
  Operation: { fields: { set: field('SetOperation', 1) } },
  ConfigRequest: {
    fields: { ...SESSION, operation: field('Operation', 3), clientType: field('string', 4) },
  },
  ConfigResponse: { fields: {} },
  InterruptRequest: {
    fields: {
      ...SESSION,
      clientType: field('string', 3),
      interruptType: field('int32', 4),
    },
  },
  InterruptResponse: { fields: {} },
  ReleaseSessionRequest: { fields: { ...SESSION, clientType: field('string', 3) } },
  ReleaseSessionResponse: { fields: {} },
};

const method = (name: string, responseStream = false) => ({
  requestType: `${name}Request`,
  responseType: `${name}Response`,
  responseStream,
});

const SERVICE = {
  methods: {
    ExecutePlan: method('ExecutePlan', true),
    Config: method('Config'),
    Interrupt: method('Interrupt'),
    ReleaseSession: method('ReleaseSession'),
  },
};

/** Interrupts all statements of a session. */
export const INTERRUPT_ALL = 1;

export interface SparkSession {
  readonly sessionId: string;
  readonly userContext: { readonly userId: string; readonly userName: string };
  readonly clientType: string;
}

export interface ArrowPart {
  readonly arrowBatch?: { readonly data: Buffer } | null;
}

type Done = (error: ServiceError | null) => void;

/** Of Spark's service, as grpc-js makes it from the definition. */
export interface SparkClient extends Client {
  executePlan(
    request: SparkSession & {
      readonly plan: { readonly root: { readonly sql: { readonly query: string } } };
      readonly operationId: string;
    },
    metadata: Metadata,
  ): ClientReadableStream<ArrowPart>;
  config(
    request: SparkSession & {
      readonly operation: {
        readonly set: {
          readonly pairs: readonly { readonly key: string; readonly value: string }[];
        };
      };
    },
    metadata: Metadata,
    done: Done,
  ): void;
  interrupt(
    request: SparkSession & { readonly interruptType: number },
    metadata: Metadata,
    done: Done,
  ): void;
  releaseSession(request: SparkSession, metadata: Metadata, done: Done): void;
}

interface SparkClientClass {
  new (
    address: string,
    credentials: ChannelCredentials,
    options: Readonly<Record<string, number>>,
  ): SparkClient;
  readonly service: ServiceDefinition;
}

const definition = fromJSON(
  {
    nested: {
      spark: { nested: { connect: { nested: { SparkConnectService: SERVICE, ...MESSAGES } } } },
    },
  } as Parameters<typeof fromJSON>[0],
  { longs: String, defaults: false },
);

const { SparkConnectService } = (
  loadPackageDefinition(definition) as unknown as {
    readonly spark: { readonly connect: { readonly SparkConnectService: SparkClientClass } };
  }
).spark.connect;

/** For servers of tests. */
export const sparkService = SparkConnectService.service;

/** A batch of Spark's has up to 4 MiB by default. */
const MESSAGE_BYTES = 64 * 1024 * 1024;

export const connectSpark = (address: string, isEncrypted: boolean): SparkClient =>
  new SparkConnectService(
    address,
    isEncrypted ? credentials.createSsl() : credentials.createInsecure(),
    { 'grpc.max_receive_message_length': MESSAGE_BYTES },
  );

export const metadataOf = (token: string | undefined): Metadata => {
  const metadata = new Metadata();
  if (token !== undefined) metadata.set('authorization', `Bearer ${token}`);
  return metadata;
};
