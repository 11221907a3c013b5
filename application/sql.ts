/** SQL over the platform's tables. */
import {
  DEFAULT_SQL_LIMITS,
  MAX_SQL_LIMITS,
  type Sql,
  type SqlAccess,
  type SqlRequest,
  type SqlTableRead,
} from '#domain/api/sql.ts';
import { fail } from '#domain/errors.ts';
import type { SqlEngine, SqlLimits } from '#domain/ports/sql-engine.ts';
import { suggestion } from '#domain/values/did-you-mean.ts';
import { createSqlTables, type SqlTablesDependencies } from '#projections/sql/sql-tables.ts';
import type { PlatformDependencies } from './dependencies.ts';

interface SqlDependencies
  extends Omit<SqlTablesDependencies, 'flush'>,
    Pick<PlatformDependencies, 'sqlEngines' | 'readTime'> {
  readonly featureLog: { readonly flush: () => Promise<void> };
}

const ended = (error: unknown): never => {
  if ((error as Error | null)?.name !== 'AbortError') throw error;
  return fail(
    'MR_UNAVAILABLE',
    'the statement was ended: its client has gone, or the server stops',
  );
};

/** The platform itself, and a caller while none is authenticated. */
const UNLIMITED: SqlAccess = { check: () => {}, visible: () => true };

const limitOf = (name: keyof SqlLimits, { limits = {} }: SqlRequest): number => {
  const wanted = limits[name] ?? DEFAULT_SQL_LIMITS[name];
  if (Number.isInteger(wanted) && wanted >= 1 && wanted <= MAX_SQL_LIMITS[name]) return wanted;
  return fail(
    'MR_PARAMETER_INVALID',
    `limits.${name} must be a whole number from 1 to ${MAX_SQL_LIMITS[name]}, not ${wanted}`,
    { parameter: `limits.${name}`, maximum: MAX_SQL_LIMITS[name] },
  );
};

export const createSql = (dependencies: SqlDependencies): Sql => {
  const { sqlEngines: engines, readTime, featureLog } = dependencies;
  const tables = createSqlTables({ ...dependencies, flush: featureLog.flush });
  const engineOf = (name: string | undefined): SqlEngine => {
    const found = engines.find((engine) => name === undefined || engine.name === name);
    if (found !== undefined) return found;
    const known = engines.map((engine) => engine.name).join(', ');
    return fail('MR_PARAMETER_INVALID', `there is no engine "${name}" here; there is: ${known}`, {
      parameter: 'engine',
    });
  };

  const findTable = async (name: string, { visible }: Pick<SqlAccess, 'visible'>) => {
    const found = tables.find(name);
    if (found !== null) return found;
    const near = (await tables.all()).filter(visible);
    const hint = suggestion(
      name,
      near.map((table) => table.name),
    );
    return fail('MR_SQL_INVALID', `there is no table "${name}"${hint}`, { table: name });
  };

  return {
    tables: async (_caller, visible = () => true) =>
      Promise.all((await tables.all()).filter(visible).map(tables.describe)),
    async query(request, _caller, access = UNLIMITED) {
      const engine = engineOf(request.engine);
      const limits = { seconds: limitOf('seconds', request), rows: limitOf('rows', request) };
      const knownNow = (): number =>
        Math.min(request.known ?? Number.POSITIVE_INFINITY, readTime());
      let known = knownNow();
      let read: readonly SqlTableRead[] = [];
      const { columns, rows, batches, close } = await engine
        .query({
          sql: request.sql,
          limits,
          ...(request.signal === undefined ? {} : { signal: request.signal }),
          async tables(names) {
            access.check(names);
            const found = await Promise.all(names.map((name) => findTable(name, access)));
            await tables.prepare(found);
            known = knownNow();
            const pinned = await tables.pin(found, known);
            ({ read } = pinned);
            return pinned.tables;
          },
        })
        .catch(ended);
      return { engine: engine.name, columns, rows, known, tables: read, batches, close };
    },
  };
};
