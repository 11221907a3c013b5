/**
 * Engines of settings, each with its driver, and others as they are. Nothing is connected before
 * the first statement.
 */
import type { SqlEngine } from '#domain/ports/sql-engine.ts';
import type { Driver } from './driver.ts';
import { flinkDriver } from './flink.ts';
import { remoteEngine } from './remote-engine.ts';
import type { SqlEngineSettings } from './settings.ts';

/** Clients are loaded for the engines that are used: that of ClickHouse alone takes megabytes. */
const driverOf = async (settings: SqlEngineSettings): Promise<Driver> => {
  const { engine, url, user, password, init } = settings;
  const access = { url, user, ...(password === undefined ? {} : { password }) };
  switch (engine) {
    case 'trino':
    case 'presto':
      return (await import('./presto.ts')).prestoDriver({ engine, ...access });
    case 'clickhouse':
      return (await import('./clickhouse.ts')).clickHouseDriver(access);
    case 'starrocks':
    case 'doris':
      return (await import('./mysql.ts')).mysqlDriver({ engine, ...access });
    case 'spark':
      return (await import('./spark.ts')).sparkDriver({
        url,
        user,
        ...(password === undefined ? {} : { token: password }),
      });
    case 'flink':
      return flinkDriver({ url, init });
  }
};

/** By its settings, or open already. */
export type GivenSqlEngine = SqlEngineSettings | SqlEngine;

export const openSqlEngines = (all: readonly GivenSqlEngine[]): Promise<readonly SqlEngine[]> =>
  Promise.all(
    all.map(async (settings) => {
      if ('query' in settings) return settings;
      const { catalog, memoryMb } = settings;
      const driver = await driverOf(settings);
      return remoteEngine({ driver, catalog, ...(memoryMb === undefined ? {} : { memoryMb }) });
    }),
  );
