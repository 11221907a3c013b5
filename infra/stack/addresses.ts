/**
 * The addresses and files of the stack's servers. All follow from one base port and one directory.
 */
import { join } from 'node:path';

export const DEFAULT_BASE_PORT = 7420;
export const DEFAULT_STACK_DIRECTORY = '.millrace-stack';
export const LOOPBACK = '127.0.0.1';

export interface MysqlAddress {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly database: string;
}

export interface StackAddresses {
  /** host:port of the broker */
  readonly kafka: string;
  /** the registry's Confluent-compatible API */
  readonly registry: string;
  readonly mysql: MysqlAddress;
  readonly redis: { readonly host: string; readonly port: number };
  /** JobManager's REST */
  readonly flink: string;
  readonly sqlGateway: string;
  readonly lookup: { readonly host: string; readonly port: number };
  /** shared by Flink, the lookup server and the gateways */
  readonly warehouse: { readonly paimon: string; readonly iceberg: string };
  readonly checkpoints: string;
  readonly savepoints: string;
  readonly directory: string;
}

/** Port offsets from the base port. */
export const PORT_OFFSETS = {
  kafka: 0,
  registry: 1,
  mariadb: 2,
  redis: 3,
  flinkRest: 4,
  sqlGateway: 5,
  lookup: 6,
  flinkRpc: 7,
  kafkaController: 9,
} as const;

export const stackAddresses = (
  directory: string,
  basePort: number = DEFAULT_BASE_PORT,
): StackAddresses => {
  const port = (server: keyof typeof PORT_OFFSETS): number => basePort + PORT_OFFSETS[server];
  return {
    kafka: `${LOOPBACK}:${port('kafka')}`,
    registry: `http://${LOOPBACK}:${port('registry')}/apis/ccompat/v7`,
    mysql: {
      host: LOOPBACK,
      port: port('mariadb'),
      user: 'millrace',
      password: 'millrace',
      database: 'millrace',
    },
    redis: { host: LOOPBACK, port: port('redis') },
    flink: `http://${LOOPBACK}:${port('flinkRest')}`,
    sqlGateway: `http://${LOOPBACK}:${port('sqlGateway')}`,
    lookup: { host: LOOPBACK, port: port('lookup') },
    warehouse: {
      paimon: join(directory, 'warehouse', 'paimon'),
      iceberg: join(directory, 'warehouse', 'iceberg'),
    },
    checkpoints: join(directory, 'flink', 'checkpoints'),
    savepoints: join(directory, 'flink', 'savepoints'),
    directory,
  };
};
