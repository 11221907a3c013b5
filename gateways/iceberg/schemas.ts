/** What the catalog's routes take and answer, as the OpenAPI document shows it. */
import { type Static, Type } from 'typebox';
import { nullable, record } from '#gateways/http/schemas/shapes.ts';

const text = Type.Optional(Type.String());

/** Clients of later releases send more than this. */
export const configQuery = Type.Object({ warehouse: text });
export type ConfigQuery = Static<typeof configQuery>;

export const pagesQuery = Type.Object({ pageToken: text, pageSize: text });
export type PagesQuery = Static<typeof pagesQuery>;

export const namespacesQuery = Type.Object({ parent: text, pageToken: text, pageSize: text });
export type NamespacesQuery = Static<typeof namespacesQuery>;

export const loadQuery = Type.Object({
  snapshots: Type.Optional(Type.String({ description: 'all or refs; default all' })),
});
export type LoadQuery = Static<typeof loadQuery>;

const strings = record<Record<string, string>>();
const namespace = Type.Array(Type.String());
const nextPage = nullable(Type.String());

export const config = Type.Object({
  defaults: strings,
  overrides: strings,
  endpoints: Type.Array(Type.String()),
});

export const namespaces = Type.Object({
  namespaces: Type.Array(namespace),
  'next-page-token': nextPage,
});

export const namespaceProperties = Type.Object({ namespace, properties: strings });

export const identifiers = Type.Object({
  identifiers: Type.Array(Type.Object({ namespace, name: Type.String() })),
  'next-page-token': nextPage,
});

export const loadedTable = Type.Object({
  'metadata-location': Type.String(),
  metadata: record(),
  config: strings,
});

const error = Type.Object({
  error: Type.Object({ message: Type.String(), type: Type.String(), code: Type.Integer() }),
});

const json = (description: string, schema: object): object => ({
  description,
  content: { 'application/json': { schema } },
});

/** The answer of a route, and the form of every refusal. */
export const answering = (
  status: number,
  schema: object | null,
): Readonly<Record<string, unknown>> => ({
  [status]: schema === null ? { description: 'done' } : json('done', schema),
  default: json('refused or failed', error),
});
