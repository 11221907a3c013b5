/** The catalog, and the changes of the registry. */
import { type Static, Type } from 'typebox';
import type {
  ApplyResult,
  CatalogDataset,
  CatalogEntry,
  CommandRequest,
  CommandResult,
  ExportedStatus,
  PlanResult,
  RegistryExport,
} from '#domain/api/registry.ts';
import type { Definition, Kind } from '#domain/definitions/model.ts';
import { SQL_DIALECTS } from '#gateways/shared/entry-sql.ts';
import { problem } from './problem.ts';
import { closed, epoch, nullable, oneOf, record, shapeOf, textOf } from './shapes.ts';

export const commandBody = shapeOf<CommandRequest>()(
  closed({
    type: Type.String(),
    data: Type.Unknown(),
    expectedVersion: Type.Optional(Type.Integer({ minimum: 0 })),
    reason: Type.Optional(Type.String()),
    force: Type.Optional(Type.Boolean()),
  }),
);
export type CommandBody = Static<typeof commandBody>;

export const registryEvent = Type.Object({ type: Type.String(), data: Type.Unknown() });

export const commandResult = shapeOf<CommandResult>()(
  Type.Object({ events: Type.Array(registryEvent), position: Type.String() }),
);

const definitions = Type.Array(record());

const exportedStatus = shapeOf<ExportedStatus>()(
  closed({
    kind: textOf<Kind>(),
    name: Type.String(),
    version: Type.Integer({ minimum: 1 }),
    status: oneOf('active', 'deprecated'),
  }),
);
const planOptions = {
  prune: Type.Optional(Type.Boolean()),
  exported: Type.Optional(Type.Array(exportedStatus)),
};

export const planBody = closed({ definitions, ...planOptions });
export type PlanBody = Static<typeof planBody>;

export const applyBody = closed({
  definitions,
  ...planOptions,
  reason: Type.Optional(Type.String()),
  force: Type.Optional(Type.Boolean()),
});
export type ApplyBody = Static<typeof applyBody>;

const cost = oneOf('none', 'compatible', 'replay', 'breaking');
const changes = Type.Array(
  Type.Object({
    kind: textOf<Kind>(),
    name: Type.String(),
    action: oneOf('create', 'revise', 'unchanged', 'restore', 'deprecate', 'retire'),
    cost,
    fields: Type.Array(
      Type.Object({ path: Type.String(), before: Type.Unknown(), after: Type.Unknown(), cost }),
    ),
    notes: Type.Array(Type.String()),
    problems: Type.Array(problem),
  }),
);
const missing = Type.Array(
  Type.Object({ kind: textOf<Kind>(), name: Type.String(), usedBy: Type.Array(Type.String()) }),
);
export const planResult = shapeOf<PlanResult>()(Type.Object({ changes, missing }));
export const applyResult = shapeOf<ApplyResult>()(
  Type.Object({ changes, missing, position: Type.String(), applied: Type.Integer() }),
);

export const registryExport = shapeOf<RegistryExport>()(
  Type.Object({
    millrace: oneOf('registry'),
    definitions: Type.Array(
      Type.Object({
        kind: textOf<Kind>(),
        name: Type.String(),
        version: Type.Integer(),
        status: oneOf('active', 'deprecated'),
        definition: record<Definition>(),
      }),
    ),
  }),
);

const versions = Type.Array(
  Type.Object({
    version: Type.Integer(),
    registeredAt: epoch,
    actor: Type.String(),
    reason: nullable(Type.String()),
  }),
);

export const catalogEntry = shapeOf<CatalogEntry>()(
  Type.Object({
    kind: textOf<Kind>(),
    name: Type.String(),
    version: Type.Integer(),
    status: oneOf('active', 'deprecated', 'retired'),
    namespace: Type.String(),
    owner: nullable(Type.String()),
    description: nullable(Type.String()),
    tags: Type.Array(Type.String()),
    definition: record<Definition>(),
    versions,
    features: Type.Optional(
      Type.Array(
        Type.Object({
          name: Type.String(),
          type: Type.String({
            description: 'of what reads answer; it ends with "?" if a read can answer null',
          }),
          description: nullable(Type.String()),
          computes: nullable(
            Type.String({ description: 'aggregation with window and hop, or expression' }),
          ),
          window: nullable(Type.String({ description: 'duration; null: all time, or on demand' })),
          hop: nullable(
            Type.String({ description: 'duration, the default included; null: no window' }),
          ),
        }),
      ),
    ),
    materializations: Type.Optional(
      Type.Array(
        Type.Object({
          store: Type.String(),
          location: Type.String(),
          generation: Type.Integer(),
          position: Type.String(),
          eventTime: nullable(epoch),
          job: Type.Optional(Type.String()),
        }),
      ),
    ),
    sql: Type.Optional(Type.String()),
    upstream: Type.Array(Type.String()),
    downstream: Type.Array(Type.String()),
  }),
);
export const catalogEntries = Type.Array(catalogEntry);

const catalogDataset = shapeOf<CatalogDataset>()(
  Type.Object({
    kind: oneOf('dataset'),
    name: Type.String(),
    version: Type.Integer(),
    status: oneOf('active'),
    namespace: Type.String(),
    owner: nullable(Type.String()),
    description: nullable(Type.String()),
    tags: Type.Array(Type.String()),
    of: Type.String({ description: 'kind/name of the service or view' }),
    createdAt: epoch,
    rows: nullable(Type.Integer()),
    versions,
    upstream: Type.Array(Type.String()),
    downstream: Type.Array(Type.String()),
  }),
);

/** Definitions and named data sets. */
export const found = Type.Array(Type.Union([catalogDataset, catalogEntry]));

/** Optional for each query of the catalog. */
export const asOf = Type.Optional(
  Type.String({
    description:
      'a position of the registry, such as registry@0:12: the answer of then; default: now',
  }),
);
export const asOfQuery = closed({ asOf });
export type AsOfQuery = Static<typeof asOfQuery>;

/** What an entry has more, on request. */
export const showQuery = closed({
  asOf,
  sql: Type.Optional(
    Type.String({
      description: `what it computes, in the SQL of an engine, as the answer's \`sql\`: ${SQL_DIALECTS.join(', ')}; default, for a view: flink`,
    }),
  ),
});
export type ShowQuery = Static<typeof showQuery>;

export const searchQuery = closed({ q: Type.String(), asOf });
export type SearchQuery = Static<typeof searchQuery>;
