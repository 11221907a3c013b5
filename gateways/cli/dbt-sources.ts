/**
 * The sources of a dbt project, from the tables of the Iceberg catalog, whose columns dbt's engine
 * sees, and their descriptions, from the registry. The text is a YAML file of dbt's sources.
 */
import { stringify } from 'yaml';
import type { CatalogEntry } from '#domain/api/registry.ts';
import { parseRollupName } from '#domain/rollups/rollup-name.ts';
import { type Client, path } from './client.ts';

type IcebergType = string | { readonly type: 'list'; readonly element: string };

interface LoadedTable {
  readonly metadata: {
    readonly 'current-schema-id': number;
    readonly schemas: readonly {
      readonly 'schema-id': number;
      readonly fields: readonly { readonly name: string; readonly type: IcebergType }[];
    }[];
  };
}

interface Described {
  readonly description: string;
  /** when the platform got a row */
  readonly loadedAt: string;
  /** column → description */
  readonly columns: Readonly<Record<string, string>>;
}

/** As standard SQL names them, and Trino does. */
const SQL_TYPES: Readonly<Record<string, string>> = {
  string: 'varchar',
  int: 'integer',
  long: 'bigint',
  float: 'real',
  double: 'double',
  boolean: 'boolean',
  timestamptz: 'timestamp(6) with time zone',
  date: 'date',
  binary: 'varbinary',
};
const scalar = (type: string): string => SQL_TYPES[type] ?? type;
const sqlType = (type: IcebergType): string =>
  typeof type === 'string' ? scalar(type) : `array(${scalar(type.element)})`;

const describeSource = async (client: Client, name: string): Promise<Described> => {
  const entry = await client.get<CatalogEntry>(path('v1', 'registry', 'source', name));
  const { eventTime, eventId, knownTime } = entry.definition as {
    readonly eventTime: string;
    readonly eventId?: string;
    readonly knownTime?: string;
  };
  return {
    description: entry.description ?? `the accepted events of ${name}`,
    loadedAt: '_log_time',
    columns: {
      ...(eventId === undefined ? {} : { [eventId]: 'event id' }),
      ...(knownTime === undefined ? {} : { [knownTime]: 'when an imported event was known' }),
      [eventTime]: 'event time',
      _partition: 'partition of the log',
      _offset: 'offset in the partition of the log',
      _log_time: 'when the log accepted the event',
    },
  };
};

const describeRollup = async (client: Client, name: string): Promise<Described> => {
  const { view, version, every } = parseRollupName(name) as NonNullable<
    ReturnType<typeof parseRollupName>
  >;
  const at = path('v1', 'registry', 'feature-view', view, 'versions', String(version));
  const { description, features = [] } = await client.get<CatalogEntry>(at);
  const of = description === null ? '' : `: ${description}`;
  return {
    description: `the values of ${view}, version ${version}, at the end of each ${every}${of}`,
    loadedAt: 'written_at',
    columns: {
      ...Object.fromEntries(
        features.map((one) => [one.name, one.description ?? one.computes ?? one.name]),
      ),
      period_start: 'start of the period',
      period_end: 'end of the period: the values count the events before it',
      version: 'version of the view',
      generation: 'generation that was live',
      written_at: 'the values count what was known then',
      replaced_at: 'when other values were written for the period; null: the row holds',
    },
  };
};

const NAMESPACES = [
  { name: 'raw', description: 'Accepted events, by source', describe: describeSource },
  {
    name: 'rollup',
    description: 'Values of feature views at the ends of days and hours',
    describe: describeRollup,
  },
] as const;

const tableOf = async (
  client: Client,
  namespace: (typeof NAMESPACES)[number],
  name: string,
): Promise<object> => {
  const at = path('iceberg', 'v1', 'namespaces', namespace.name, 'tables', name);
  const { metadata } = await client.get<LoadedTable>(`${at}?snapshots=refs`);
  const described = await namespace.describe(client, name);
  const schema = metadata.schemas.find((one) => one['schema-id'] === metadata['current-schema-id']);
  return {
    name,
    description: described.description,
    loaded_at_field: described.loadedAt,
    columns: (schema?.fields ?? []).map(({ name: column, type }) => {
      const key = column.startsWith('key_') ? `entity key "${column.slice(4)}"` : undefined;
      const text = described.columns[column] ?? (namespace.name === 'rollup' ? key : undefined);
      return {
        name: column,
        ...(text === undefined ? {} : { description: text }),
        data_type: sqlType(type),
      };
    }),
  };
};

export interface DbtSources {
  readonly text: string;
  readonly tables: number;
}

/** @param database the catalog's name in dbt's engine; absent: that of its profile */
export const dbtSources = async (client: Client, database?: string): Promise<DbtSources> => {
  let tables = 0;
  const sources: object[] = [];
  for (const namespace of NAMESPACES) {
    const at = path('iceberg', 'v1', 'namespaces', namespace.name, 'tables');
    const { identifiers } = await client.get<{ identifiers: readonly { name: string }[] }>(at);
    const found: object[] = [];
    for (const { name } of identifiers) found.push(await tableOf(client, namespace, name));
    tables += found.length;
    sources.push({
      name: namespace.name,
      description: namespace.description,
      ...(database === undefined ? {} : { database }),
      schema: namespace.name,
      tables: found,
    });
  }
  return { text: stringify({ version: 2, sources }, { lineWidth: 100 }), tables };
};
