/** Reads small files as `publish` and as a spine do, without a server. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import { source } from '#domain/definitions/index.ts';
import { compileValidator } from '#domain/sources/validate-event.ts';
import { literal } from '#domain/sql/duckdb/names.ts';
import { valueAt } from '#domain/training-sets/columns.ts';
import { parseExactJson } from '#domain/values/exact-json.ts';
import { parseFieldType } from '#domain/values/field-type.ts';
import type { Value } from '#domain/values/value.ts';
import { bodyText } from '#gateways/cli/publish/batch.ts';
import { csvBatches } from '#gateways/cli/publish/csv-file.ts';
import { parquetBatches } from '#gateways/cli/publish/parquet-file.ts';
import { openDuckDb } from '#infra/shared/duckdb/connect.ts';
import { loadSpine } from '#infra/training-sets/load-spine.ts';
import { SPINE_TABLE } from '#infra/training-sets/spine.ts';

export interface FilePlaces {
  path(name: string): string;
  write(name: string, bytes: string | Uint8Array): string;
  /** a query's rows as a Parquet file */
  writeParquet(name: string, sql: string): Promise<string>;
  query(sql: string): Promise<readonly (readonly unknown[])[]>;
  readonly connection: DuckDBConnection;
  close(): void;
}

export const filePlaces = async (): Promise<FilePlaces> => {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-files-'));
  const duckDb = await openDuckDb({});
  const connection = await duckDb.connect();
  await connection.run('SET preserve_insertion_order = true');
  const path = (name: string): string => join(directory, name);
  return {
    path,
    connection,
    write(name, bytes) {
      writeFileSync(path(name), bytes);
      return path(name);
    },
    async writeParquet(name, sql) {
      await connection.run(`COPY (${sql}) TO ${literal(path(name))} (FORMAT parquet)`);
      return path(name);
    },
    query: async (sql) => (await connection.runAndReadAll(sql)).getRows(),
    close() {
      connection.closeSync();
      duckDb.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
};

/** The events that `publish` sends, as JSON. */
export const publishedEvents = async (
  file: string,
  fields: Readonly<Record<string, string>>,
  options: { readonly skip?: number; readonly limit?: number; readonly extra?: boolean } = {},
): Promise<readonly Readonly<Record<string, unknown>>[]> => {
  const table = {
    file,
    fields,
    eventTime: 'ts',
    map: new Map<string, string>(),
    ignoreExtra: options.extra ?? true,
  };
  const { skip = 0, limit = Number.POSITIVE_INFINITY } = options;
  const reading = { skip, limit, onBadLine: () => undefined };
  const parquet = file.endsWith('.parquet');
  const batches = parquet ? parquetBatches(table, reading) : csvBatches(table, reading);
  const events: Record<string, unknown>[] = [];
  for await (const batch of batches)
    events.push(
      ...(parseExactJson(bodyText(batch)) as { events: Record<string, unknown>[] }).events,
    );
  return events;
};

/** What the server makes of a value that was sent for a field; undefined: it is refused. */
export const accepted = (type: string, sent: unknown): Value | undefined => {
  const def = source({
    name: 's',
    fields: { ts: 'timestamp', v: type } as Readonly<Record<string, 'timestamp'>>,
    eventTime: 'ts',
  });
  const ts = Date.UTC(2026, 0, 1);
  const result = compileValidator(def)({ ts, v: sent }, ts);
  return result.ok ? (result.row.v as Value) : undefined;
};

/** The request inputs of a spine's rows, by name. */
export const spineInputs = async (
  { connection }: FilePlaces,
  file: string,
  inputs: Readonly<Record<string, string>>,
): Promise<{
  readonly times: readonly number[];
  readonly rows: readonly Readonly<Record<string, Value>>[];
}> => {
  const request = Object.entries(inputs).map(([name, text]) => ({
    name,
    type: parseFieldType(text),
  }));
  try {
    const spine = await loadSpine(
      connection,
      { spine: { file }, sources: {} },
      { keys: [], request, values: [], columns: [], views: [] },
      null,
    );
    const rows = Array.from({ length: spine.rows }, (_, row) =>
      Object.fromEntries(
        Object.entries(spine.request).map(([name, column]) => [name, valueAt(column, row)]),
      ),
    );
    return { times: [...spine.times], rows };
  } finally {
    await connection.run(`DROP TABLE IF EXISTS ${SPINE_TABLE}`);
  }
};
