/** The engines that answer SQL on servers of their own, by the name of `--engine`. */

export const REMOTE_ENGINES = [
  'trino',
  'presto',
  'clickhouse',
  'spark',
  'starrocks',
  'doris',
  'flink',
] as const;
export type RemoteEngine = (typeof REMOTE_ENGINES)[number];

export const isRemoteEngine = (name: string): name is RemoteEngine =>
  (REMOTE_ENGINES as readonly string[]).includes(name);
