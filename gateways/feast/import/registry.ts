/**
 * Reads a registry: a `feast.core.Registry` in a file, or the same messages as rows of an SQLite
 * database. Unknown fields are ignored, as usual in protobuf, so that the registry of a newer Feast
 * can be read too.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { loadSync, type MessageTypeDefinition } from '@grpc/proto-loader';
import { fail } from '#domain/errors.ts';
import type { FeastProject } from './model.ts';
import type { RegistryPlace } from './repository.ts';

const SCHEMA_VERSION = '1';

const PROTOS = join(import.meta.dirname, '..', 'protos');
const protos = loadSync('feast/core/Registry.proto', {
  includeDirs: [PROTOS],
  longs: Number,
  enums: String,
  defaults: true,
});

const decode = (message: string, bytes: Uint8Array): unknown => {
  const type = protos[`feast.core.${message}`];
  if (type?.format !== 'Protocol Buffer 3 DescriptorProto')
    throw new Error(`the proto has no message ${message}`);
  return (type as MessageTypeDefinition<object, object>).deserialize(Buffer.from(bytes));
};

interface Named {
  readonly name: string;
  readonly project: string;
}
type Kinds = Omit<FeastProject, 'project'>;
type Kind = keyof Kinds;

/** Kind → message, and the table and column of an SQL registry. */
const KINDS: Readonly<Record<Kind, readonly [message: string, table: string, column: string]>> = {
  entities: ['Entity', 'entities', 'entity_proto'],
  featureViews: ['FeatureView', 'feature_views', 'feature_view_proto'],
  streamFeatureViews: ['StreamFeatureView', 'stream_feature_views', 'feature_view_proto'],
  onDemandFeatureViews: ['OnDemandFeatureView', 'on_demand_feature_views', 'feature_view_proto'],
  featureServices: ['FeatureService', 'feature_services', 'feature_service_proto'],
  dataSources: ['DataSource', 'data_sources', 'data_source_proto'],
  labelViews: ['Named', 'label_views', 'feature_view_proto'],
  savedDatasets: ['Named', 'saved_datasets', 'saved_dataset_proto'],
  validationReferences: [
    'ValidationReference',
    'validation_references',
    'validation_reference_proto',
  ],
  permissions: ['Named', 'permissions', 'permission_proto'],
};
type Messages = Readonly<Record<Kind, readonly unknown[]>> & {
  readonly projects: readonly unknown[];
};
type Specs = Readonly<Record<Kind | 'projects', readonly Named[]>>;

const ALL = Object.keys(KINDS) as readonly Kind[];

/** Objects have name and project in `spec`, except data sources and validation references. */
const specOf = (message: unknown): Named =>
  'spec' in (message as object)
    ? ((message as { readonly spec: Named }).spec ?? { name: '', project: '' })
    : (message as Named);

const invalid = (path: string, error: unknown): never =>
  fail('MR_FILE_INVALID', `${path} is not a Feast registry: ${(error as Error).message}`, {
    file: path,
  });

const fromFile = (path: string): Specs => {
  let registry: Messages & { readonly registrySchemaVersion: string };
  try {
    registry = decode('Registry', readFileSync(path)) as typeof registry;
  } catch (error) {
    return invalid(path, error);
  }
  const version = registry.registrySchemaVersion;
  if (version === SCHEMA_VERSION) {
    const kinds = ALL.map((kind) => [kind, registry[kind].map(specOf)] as const);
    return {
      ...(Object.fromEntries(kinds) as Record<Kind, Named[]>),
      projects: registry.projects.map(specOf),
    };
  }
  const what =
    version === ''
      ? 'is not a Feast registry: it has no schema version'
      : `has the schema version ${version}`;
  return fail('MR_FILE_INVALID', `${path} ${what}; only version ${SCHEMA_VERSION} is supported`, {
    file: path,
    version,
  });
};

/** A column has the project of a row; the message may not have it. */
const fromSqlite = (path: string): Specs => {
  const rows = (
    database: DatabaseSync,
    message: string,
    table: string,
    column: string,
  ): Named[] => {
    const there = database
      .prepare("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?")
      .get(table);
    if (there === undefined) return [];
    return database
      .prepare(`SELECT project_id AS project, ${column} AS proto FROM ${table}`)
      .all()
      .map(({ project, proto }) => ({
        ...specOf(decode(message, proto as Uint8Array)),
        project: String(project),
      }));
  };
  let database: DatabaseSync | null = null;
  try {
    const open = new DatabaseSync(path, { readOnly: true });
    database = open;
    const kinds = ALL.map((kind) => [kind, rows(open, ...KINDS[kind])] as const);
    return {
      ...(Object.fromEntries(kinds) as Record<Kind, Named[]>),
      projects: rows(open, 'Named', 'projects', 'project_proto'),
    };
  } catch (error) {
    return invalid(path, error);
  } finally {
    database?.close();
  }
};

/** @param project name of a project; null: the only one of the registry */
export const readRegistry = (place: RegistryPlace, project: string | null = null): FeastProject => {
  const specs = place.kind === 'sqlite' ? fromSqlite(place.path) : fromFile(place.path);
  const named = [
    ...specs.projects.map(({ name }) => name),
    ...ALL.flatMap((kind) => specs[kind].map((spec) => spec.project)),
  ];
  const projects = [...new Set(named)].filter((name) => name !== '').sort();
  const wanted =
    project ?? place.project ?? (projects.length === 1 ? (projects[0] as string) : null);
  const has =
    projects.length === 0 ? 'it is empty: run feast apply first' : `it has ${projects.join(', ')}`;
  if (wanted === null)
    return fail('MR_FILE_INVALID', `${place.path}: choose a project with --project: ${has}`, {
      file: place.path,
      projects,
    });
  if (!projects.includes(wanted))
    return fail('MR_FILE_INVALID', `${place.path} has no project "${wanted}": ${has}`, {
      file: place.path,
      projects,
    });
  const mine = ALL.map((kind) => {
    const found = specs[kind].filter((spec) => spec.project === wanted);
    return [kind, found.sort((a, b) => (a.name < b.name ? -1 : 1))];
  });
  return { project: wanted, ...Object.fromEntries(mine) } as FeastProject;
};
