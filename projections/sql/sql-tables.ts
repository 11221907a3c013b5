/**
 * The tables that SQL can read, from the catalog and the history:
 *
 * | table | rows |
 * |---|---|
 * | raw_<source> | its accepted events |
 * | served_<service> | its logged answers |
 * | <view>_v<n>, <view>_daily, <view>_history | its values by period (view-tables.ts) |
 */
import type { SqlTableInfo, SqlTableRead, SqlTableRef } from '#domain/api/sql.ts';
import type { SourceDefinition } from '#domain/definitions/model.ts';
import { featureLogFields } from '#domain/feature-log/feature-log-record.ts';
import type { HistoryFiles, HistoryTables } from '#domain/ports/history.ts';
import { formatPosition, type Log } from '#domain/ports/log.ts';
import type { SqlTable } from '#domain/ports/sql-engine.ts';
import { featureLogTopic, rawTopic } from '#domain/ports/topics.ts';
import { sourceFields } from '#domain/sources/source-schema.ts';
import { formatTime } from '#domain/values/time.ts';
import type { FieldType } from '#domain/values/value.ts';
import type { Catalog } from '#projections/catalog/catalog.ts';
import { loggedServices } from '#projections/feature-log/feature-log-tables.ts';
import { storedTable } from './stored-table.ts';
import { type TableColumn, tableColumns, typeText } from './table-columns.ts';
import { tableName, tableRef } from './table-names.ts';
import { createViewTables } from './view-tables.ts';

export interface SqlTablesDependencies {
  readonly catalog: Catalog;
  readonly log: Pick<Log, 'offsetsAt'>;
  readonly history: Pick<
    HistoryTables,
    'endOffsets' | 'sync' | 'tableFiles' | 'horizon' | 'snapshot'
  >;
  /** writes noted answers to the log */
  readonly flush: () => Promise<void>;
}

export interface PinnedTables {
  readonly tables: readonly SqlTable[];
  readonly read: readonly SqlTableRead[];
}

export interface SqlTables {
  readonly all: () => Promise<readonly SqlTableRef[]>;
  /** null: there is none of this name */
  readonly find: (name: string) => SqlTableRef | null;
  readonly describe: (table: SqlTableRef) => Promise<SqlTableInfo>;
  /** Writes waiting answers, so that a time after this has them. */
  readonly prepare: (tables: readonly SqlTableRef[]) => Promise<void>;
  /** Each with exactly the records that the log had accepted by `known`. */
  readonly pin: (tables: readonly SqlTableRef[], known: number) => Promise<PinnedTables>;
}

/** What the registry says of a table. */
interface Registered {
  readonly topic: string;
  readonly description: string;
  readonly fields: Readonly<Record<string, FieldType>>;
  readonly descriptions: Readonly<Record<string, string>>;
}

const TEXT: FieldType = { base: 'string', array: false, nullable: false };
const INT: FieldType = { base: 'int', array: false, nullable: false };
const DOUBLE: FieldType = { base: 'double', array: false, nullable: false };

const ANSWER_FIELDS: Readonly<Record<string, readonly [FieldType, string]>> = {
  request_id: [TEXT, 'id of the request'],
  row: [INT, 'index of the row in the request'],
  rows: [INT, 'rows of the request'],
  actor: [TEXT, 'who sent the request'],
  service_version: [INT, 'version of the service that answered'],
  sample: [DOUBLE, 'share of the requests that was logged then'],
  views: [TEXT, 'JSON: the views that answered, with version, generation and position'],
  on_demand: [TEXT, 'JSON: the on-demand features that answered, with their versions'],
};

const ofSource = (definition: SourceDefinition): Registered => {
  const { name, description, eventTime, eventId, knownTime } = definition;
  return {
    topic: rawTopic(name),
    description: description ?? `the events of ${name}`,
    fields: sourceFields(definition),
    descriptions: {
      ...(eventId === undefined ? {} : { [eventId]: 'event id' }),
      ...(knownTime === undefined
        ? {}
        : { [knownTime]: 'of an imported event: when it was known; null: at log_time' }),
      [eventTime]: 'event time',
    },
  };
};

export const createSqlTables = ({
  catalog,
  log,
  history,
  flush,
}: SqlTablesDependencies): SqlTables => {
  const serviceOf = (name: string) =>
    loggedServices(catalog).find(({ columns }) => columns.service === name);

  const registered = ({ kind, of }: SqlTableRef): Registered | null => {
    if (kind === 'source') {
      const definition = catalog.definition('source', of);
      return definition === null ? null : ofSource(definition as SourceDefinition);
    }
    const service = kind === 'feature-service' ? serviceOf(of) : undefined;
    if (service === undefined) return null;
    const fixed = Object.entries(ANSWER_FIELDS);
    const own = featureLogFields(service.columns).map(({ name, type }) => [name, type] as const);
    return {
      topic: featureLogTopic(of),
      description: `the logged answers of ${of}, a row for each row of a request`,
      fields: Object.fromEntries([...fixed.map(([name, [type]]) => [name, type] as const), ...own]),
      descriptions: {
        ...Object.fromEntries(fixed.map(([name, [, text]]) => [name, text])),
        at: 'the event time that the request asked for',
        known: 'the log time that the request asked for',
      },
    };
  };

  const columnsOf = (stored: HistoryFiles | null, { fields, descriptions }: Registered) =>
    tableColumns(stored?.columns ?? [], fields, descriptions);

  const views = createViewTables({ catalog, history });
  const isOfView = ({ kind }: SqlTableRef): boolean => kind === 'feature-view';

  const find: SqlTables['find'] = (name) => {
    const table = tableRef(name);
    if (table === null) return null;
    const exists = isOfView(table) ? views.isRegistered(table) : registered(table) !== null;
    return exists ? table : null;
  };

  const nameOf = (columns: readonly TableColumn[], field: string): string =>
    columns.find((column) => column.field === field)?.name as string;

  const pin = async (table: SqlTableRef, known: number) => {
    const found = registered(table) as Registered;
    const { topic } = found;
    const offsets = await log.offsetsAt(topic, known);
    const reached = await history.endOffsets(topic);
    if (offsets.some((offset, partition) => offset > (reached[partition] ?? 0)))
      await history.sync(topic);
    const stored = await history.tableFiles(topic);
    const columns = columnsOf(stored, found);
    const { name } = table;
    const cut = {
      partition: nameOf(columns, '_partition'),
      offset: nameOf(columns, '_offset'),
      offsets,
    };
    return {
      table: {
        name,
        columns,
        files: stored?.files ?? [],
        stored: storedTable(stored),
        below: cut,
      },
      read: {
        name,
        position: formatPosition(
          topic,
          offsets.map((offset, partition) => ({ partition, offset })),
        ),
        snapshot: stored === null ? null : String(stored.snapshot.id),
      },
    };
  };

  return {
    all: async () => [
      ...[
        ...catalog.streams('source').map(({ name }) => ({ kind: 'source' as const, of: name })),
        ...loggedServices(catalog).map(({ columns }) => ({
          kind: 'feature-service' as const,
          of: columns.service,
        })),
      ]
        .map((of) => ({ name: tableName(of), ...of }))
        .filter(({ name }) => find(name) !== null),
      ...(await views.all()),
    ],
    find,
    async describe(table) {
      if (isOfView(table)) return views.describe(table);
      const found = registered(table) as Registered;
      const horizon = table.kind === 'source' ? await history.horizon(found.topic) : null;
      const columns = columnsOf(await history.tableFiles(found.topic), found);
      return {
        ...table,
        description:
          horizon === null
            ? found.description
            : `${found.description}; events before ${formatTime(horizon.time)} were deleted`,
        columns: columns.map(({ name, type, description }) => ({
          name,
          type: typeText(type),
          description,
        })),
      };
    },
    async prepare(tables) {
      if (tables.some(({ kind }) => kind === 'feature-service')) await flush();
    },
    async pin(tables, known) {
      const pinned = await Promise.all(
        tables.map((table) => (isOfView(table) ? views.pin(table, known) : pin(table, known))),
      );
      return { tables: pinned.map(({ table }) => table), read: pinned.map(({ read }) => read) };
    },
  };
};
