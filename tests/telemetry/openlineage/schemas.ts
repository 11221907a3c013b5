/**
 * Checks an OpenLineage event against the published schema and against the schema of our own facets
 * (docs/openlineage).
 *
 * published-schemas.jsonl has the published schema as OpenLineage's own client carries it; a test
 * compares the file with the client. With MILLRACE_OPENLINEAGE_SPEC set to the `spec` folder of a
 * checkout of OpenLineage, events are checked against those files as well.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import type { Facets, LineageEvent } from '#projections/lineage/event.ts';
import own from '../../../docs/openlineage/1-0-0.json' with { type: 'json' };

/** One line a definition: {url, schema}. */
export const PUBLISHED_SCHEMAS = join(import.meta.dirname, 'published-schemas.jsonl');

type Schema = Readonly<Record<string, unknown>>;
type Validators = (url: string) => ValidateFunction | undefined;

const newAjv = (): Ajv2020 => {
  const ajv = new Ajv2020({ strict: false, allErrors: true });
  addFormats.default(ajv);
  ajv.addSchema(own);
  return ajv;
};

const published = (): ReadonlyMap<string, Schema> =>
  new Map(
    readFileSync(PUBLISHED_SCHEMAS, 'utf8')
      .trim()
      .split('\n')
      .map((text) => {
        const { url, schema } = JSON.parse(text) as { url: string; schema: Schema };
        return [url, schema];
      }),
  );

const fromClient = (): Validators => {
  const schemas = published();
  const ajv = newAjv();
  const compiled = new Map<string, ValidateFunction>();
  return (url) => {
    if (url.startsWith('urn:millrace:')) return ajv.getSchema(url);
    const schema = schemas.get(url);
    if (schema !== undefined && !compiled.has(url)) compiled.set(url, ajv.compile(schema));
    return compiled.get(url);
  };
};

/** The published files. A facet's file names the key of the facet. */
const fromFiles = (
  spec: string,
): { readonly validators: Validators; readonly keyOf: (url: string) => string | undefined } => {
  const ajv = newAjv();
  const keys = new Map<string, string>();
  for (const file of [
    join(spec, 'OpenLineage.json'),
    ...readdirSync(join(spec, 'facets'))
      .filter((name) => name.endsWith('.json'))
      .map((name) => join(spec, 'facets', name)),
  ]) {
    const schema = JSON.parse(readFileSync(file, 'utf8')) as Schema & {
      readonly $id: string;
      readonly properties?: Record<string, { readonly $ref: string }>;
    };
    ajv.addSchema(schema);
    for (const [key, { $ref }] of Object.entries(schema.properties ?? {}))
      keys.set(schema.$id + $ref, key);
  }
  return { validators: (url) => ajv.getSchema(url), keyOf: (url) => keys.get(url) };
};

/** The keys of facets that do not follow from the facet's name, by that name without its ending. */
const KEYS: Readonly<Record<string, string>> = {
  ProcessingEngine: 'processing_engine',
  Parent: 'parent',
  DatasetVersion: 'version',
};

const expectedKey = (url: string): string => {
  const name = url.slice(url.lastIndexOf('/') + 1);
  if (url.startsWith('urn:millrace:')) {
    const stem = name.replace(/(Dataset|Job|Run)Facet$/, '');
    return `millrace_${stem.toLowerCase()}`;
  }
  const stem = name.replace(/(InputDataset|OutputDataset|Dataset|Job|Run)Facet$/, '');
  return KEYS[stem] ?? `${stem[0]?.toLowerCase()}${stem.slice(1)}`;
};

const facetsOf = (event: LineageEvent): readonly (readonly [at: string, facets: Facets])[] => {
  const found: (readonly [string, Facets])[] = [];
  const walk = (node: unknown, at: string): void => {
    if (typeof node !== 'object' || node === null) return;
    for (const [key, child] of Object.entries(node)) {
      if (key === 'facets' || key === 'inputFacets' || key === 'outputFacets')
        found.push([`${at}.${key}`, child as Facets]);
      walk(child, `${at}.${key}`);
    }
  };
  walk(event, '');
  return found;
};

const errorsOf = (
  at: string,
  url: string,
  validate: ValidateFunction | undefined,
  value: unknown,
): string[] => {
  if (validate === undefined) return [`${at}: no schema is published at ${url}`];
  if (validate(value)) return [];
  return (validate.errors ?? []).map(
    ({ instancePath, message, params }) =>
      `${at}${instancePath}: ${message} ${JSON.stringify(params)}`,
  );
};

export type Check = (event: LineageEvent) => readonly string[];

export const openLineageCheck = (spec = process.env['MILLRACE_OPENLINEAGE_SPEC']): Check => {
  const client = fromClient();
  const files = spec === undefined ? null : fromFiles(spec);
  const against = (at: string, url: string, value: unknown): string[] => [
    ...errorsOf(at, url, client(url), value),
    ...(files === null ? [] : errorsOf(`${at} (file)`, url, files.validators(url), value)),
  ];
  return (event) => [
    ...against('event', event.schemaURL, event),
    ...facetsOf(event).flatMap(([at, facets]) =>
      Object.entries(facets).flatMap(([key, facet]) => {
        const url = facet._schemaURL;
        const wanted = files?.keyOf(url) ?? expectedKey(url);
        return [
          ...against(`${at}.${key}`, url, facet),
          ...(wanted === key && expectedKey(url) === key
            ? []
            : [`${at}: ${url} belongs under "${wanted}", not under "${key}"`]),
        ];
      }),
    ),
  ];
};
