/**
 * Spines of SQL statements. A statement runs once, and its rows are kept in a file: neither their
 * order nor what `now()` and `random()` gave would be the same another time. Where the file is
 * gone, the statement runs again over the events that it read first, and must give the same rows.
 */
import type { Caller } from '#domain/api/caller.ts';
import { MAX_SQL_LIMITS, type RunStatement, type SqlAnswer } from '#domain/api/sql.ts';
import type { SqlSpineRecord } from '#domain/datasets/manifest.ts';
import { spineFile } from '#domain/datasets/stored-spine.ts';
import { fail } from '#domain/errors.ts';
import type { StoredSpine, TrainingSetBuilder } from '#domain/ports/training-set-builder.ts';
import { streamOf } from '#domain/registry/events.ts';
import {
  planTrainingSet,
  type TrainingSetTarget,
} from '#domain/training-sets/training-set-plan.ts';
import { tableRef } from '#projections/sql/table-names.ts';

/** Who runs a statement, with which rights. */
export interface Statements {
  readonly run: RunStatement;
  readonly caller: Caller;
}

/** A request waits for its statement. */
const LIMITS = { seconds: 240, rows: MAX_SQL_LIMITS.rows };

export interface SqlSpines {
  /** Runs a statement and keeps its rows. */
  readonly keep: (
    sql: string,
    target: TrainingSetTarget,
    known: number | undefined,
    statements: Statements,
  ) => Promise<SqlSpineRecord>;
  /**
   * The file with the rows.
   * @throws MR_DATASET_CHANGED where they are gone, and the statement gives others
   */
  readonly fileOf: (
    record: SqlSpineRecord,
    target: TrainingSetTarget,
    statements: Statements,
  ) => Promise<string>;
}

type Builder = Pick<TrainingSetBuilder, 'storeSpine' | 'storedSpine' | 'removeSpine'>;

export const createSqlSpines = (builder: Builder, newId: () => string): SqlSpines => {
  const store = async (
    sql: string,
    stored: string,
    target: TrainingSetTarget,
    known: number | undefined,
    { run, caller }: Statements,
  ): Promise<StoredSpine & Pick<SqlAnswer, 'known' | 'tables'>> => {
    const request = { sql, limits: LIMITS, ...(known === undefined ? {} : { known }) };
    const answer = await run(request, caller);
    try {
      const { rows, sha256 } = await builder.storeSpine(stored, answer, planTrainingSet(target));
      return { rows, sha256, known: answer.known, tables: answer.tables };
    } finally {
      answer.close();
    }
  };
  return {
    async keep(sql, target, known, statements) {
      const stored = spineFile(newId());
      const { tables, ...rest } = await store(sql, stored, target, known, statements);
      return {
        kind: 'sql',
        sql,
        stored,
        ...rest,
        tables: tables.flatMap(({ name, position }) => {
          const table = tableRef(name);
          return table === null ? [] : [{ name, of: streamOf(table.kind, table.of), position }];
        }),
      };
    },
    async fileOf(record, target, statements) {
      const { sql, stored, known, rows, sha256 } = record;
      const kept = await builder.storedSpine(stored);
      if (kept !== null) return kept;
      const again = await store(sql, stored, target, known, statements);
      if (again.sha256 !== sha256) {
        await builder.removeSpine(stored);
        fail(
          'MR_DATASET_CHANGED',
          `the rows of the statement of the spine are not kept here any more, and now the statement gives others: ${again.rows} rows, and ${rows} before. Events may have been erased or trimmed since, or it does not say the order of its rows (ORDER BY), or it reads the clock`,
          { rows: again.rows, expected: rows },
        );
      }
      return (await builder.storedSpine(stored)) as string;
    },
  };
};
