/**
 * Requests for named data sets. One whose name is taken by the same request, or that asks for a
 * version again, is built from the recipe of that version.
 */
import type { Caller } from '#domain/api/caller.ts';
import { type DatasetRequest, noDataset, type RerunRequest } from '#domain/api/datasets.ts';
import { type DatasetCommand, datasetReference } from '#domain/datasets/dataset.ts';
import {
  type DatasetManifest,
  type DatasetRecipe,
  type SpineRecord,
  type SqlSpineRecord,
  spineOfRecord,
} from '#domain/datasets/manifest.ts';
import {
  commandOf,
  otherThan,
  sameSpine,
  type WantedSpine,
} from '#domain/datasets/same-request.ts';
import type { DatasetSpine } from '#domain/datasets/spine.ts';
import { NAME, NAME_RULE } from '#domain/definitions/names.ts';
import { fail } from '#domain/errors.ts';
import type { KeptRequest } from '#domain/ports/dataset-jobs.ts';
import type { ReadSnapshot } from '#domain/ports/lineage.ts';
import type { TrainingSetBuilder, TrainingSetJob } from '#domain/ports/training-set-builder.ts';
import type { Catalog } from '#projections/catalog/catalog.ts';
import type { DatasetIndex } from './dataset-index.ts';
import type { Pinned } from './pin-target.ts';
import type { PresentValues } from './present-values.ts';
import { pinnedAgain, pinnedReads, pinnedVersions } from './recipes.ts';
import type { SqlSpines, Statements } from './sql-spines.ts';

export interface DatasetNames extends Pick<DatasetIndex, 'find' | 'ofBuild' | 'all'> {
  /** @throws the refusal */
  readonly decide: (command: DatasetCommand, caller: Caller) => Promise<void>;
}

/** What a build does for a name. */
export interface Naming {
  readonly name: string;
  readonly spine: SpineRecord;
  /** the version that is built again; null: a new one */
  readonly manifest: DatasetManifest | null;
  /** the newest version when the request was decided; 0: none */
  readonly after: number;
}

/** A request with what it is pinned to. */
export interface Prepared {
  readonly request: DatasetRequest;
  readonly pinned: Pinned;
  readonly naming: Naming | null;
  /** of a statement: what its rows are, and the path of the file that has them */
  readonly rows?: { readonly record: SqlSpineRecord; readonly path: string };
  /** of a batch that needs no raw events; its request has no rows */
  readonly present?: PresentValues;
}

export interface NamedDatasets {
  readonly prepare: (
    request: DatasetRequest & { readonly name: string },
    statements: Statements,
  ) => Promise<Prepared>;
  readonly again: (
    manifest: DatasetManifest,
    request: RerunRequest,
    statements: Statements,
  ) => Promise<Prepared>;
  /** The recipe of a new version. */
  readonly recipeOf: (
    prepared: Prepared & { readonly naming: Naming },
    reads: Pick<TrainingSetJob, 'sources' | 'timelines'> & { readonly known: number },
    snapshots: readonly ReadSnapshot[],
  ) => DatasetRecipe;
  /** By name, or by the id of a build. @throws MR_NOT_FOUND */
  readonly manifest: (reference: string) => DatasetManifest;
}

interface NamedDependencies {
  readonly catalog: Catalog;
  readonly names: Pick<DatasetNames, 'find' | 'ofBuild'>;
  readonly builder: Pick<TrainingSetBuilder, 'identify'>;
  readonly spines: SqlSpines;
  /** the rows of a statement, and where they are */
  readonly keep: (
    request: DatasetRequest,
    pinned: Pinned,
    statements: Statements,
  ) => Promise<Pick<Prepared, 'rows'>>;
  readonly pin: (target: DatasetRequest['target']) => Pinned;
  /** whether a build has not ended */
  readonly isRunning: (id: string) => Promise<boolean>;
  /** version of Millrace */
  readonly version: string;
}

export const extraSourcesOf = (spine: DatasetSpine | KeptRequest['spine']): readonly string[] =>
  'events' in spine ? [spine.events.source] : [];

const formatOf = (out: string | undefined): DatasetRecipe['format'] =>
  out !== undefined && /\.csv$/i.test(out) ? 'csv' : 'parquet';

const spineOf = ({ name, version, recipe: { spine } }: DatasetManifest): DatasetSpine =>
  spineOfRecord(spine) ??
  fail(
    'MR_SPINE_INVALID',
    `the spine of data set "${name}" version ${version} was given as rows, which are not kept: give the same rows with \`--spine FILE\` ("spine")`,
    { name, version },
  );

/** Why a spine is not the one of a version. */
const whyOther = (spine: DatasetSpine): string => {
  if ('file' in spine) return `"${spine.file}" does not have the content that it had`;
  return 'sql' in spine
    ? 'its rows are not those of this statement'
    : 'these are not the rows that were given';
};

export const createNamedDatasets = (dependencies: NamedDependencies): NamedDatasets => {
  const { catalog, names, builder, spines, keep, pin, isRunning } = dependencies;

  const identify = async (spine: DatasetSpine): Promise<WantedSpine> =>
    'sql' in spine ? { kind: 'sql', sql: spine.sql } : builder.identify(spine);

  const again = async (
    manifest: DatasetManifest,
    { spine = spineOf(manifest), out, overwrite, engine }: RerunRequest,
    statements: Statements,
  ): Promise<Prepared> => {
    const { name, version, recipe } = manifest;
    const { target, mode, withStatus, known, format } = recipe;
    if (formatOf(out) !== format)
      fail(
        'MR_REFUSED',
        `data set "${name}" version ${version} is a ${format} file: name an output that ends in .${format}`,
        { name, version },
      );
    const found = await identify(spine);
    if (!sameSpine(found, recipe.spine))
      fail(
        'MR_DATASET_CHANGED',
        `the spine of data set "${name}" version ${version} has changed: ${whyOther(spine)}. Give the same spine, or make a new version`,
        { name, version, expected: recipe.spine, found },
      );
    const pinned = pinnedAgain(catalog, recipe);
    const record = recipe.spine;
    const rows =
      record.kind === 'sql'
        ? { rows: { record, path: await spines.fileOf(record, pinned.target, statements) } }
        : {};
    return {
      request: {
        target: 'service' in target ? { service: target.service } : { view: target.view },
        spine,
        mode,
        withStatus,
        known,
        name,
        ...(out === undefined ? {} : { out }),
        ...(overwrite === undefined ? {} : { overwrite }),
        ...(engine === undefined ? {} : { engine }),
      },
      pinned,
      naming: { name, spine: found.kind === 'sql' ? record : found, manifest, after: version },
      ...rows,
    };
  };

  return {
    again,
    async prepare(request, statements) {
      const { name, target, mode, known, withStatus = false, out, spine: given } = request;
      if (!NAME.test(name))
        fail('MR_BODY_INVALID', `"name" must be ${NAME_RULE}, not ${JSON.stringify(name)}`);
      const spine = await identify(given);
      const newest = names.find({ name, version: null });
      if (newest !== null && request.newVersion !== true) {
        const wanted = {
          target,
          mode,
          withStatus,
          spine,
          format: formatOf(out),
          ...(known === undefined ? {} : { known }),
        };
        const others = otherThan(newest.recipe, wanted);
        if (others.length === 0) return again(newest, { ...request, spine: given }, statements);
        const last = newest.builds.at(-1);
        if (newest.content !== null || (last !== undefined && (await isRunning(last))))
          fail(
            'MR_REFUSED',
            `there is a data set "${name}" already, and this request is another one (${others.join('; ')}): give it another name, or ask for a new version with --new-version ("newVersion": true)`,
            { name, version: newest.version, differences: others },
          );
      }
      const pinned = pin(target);
      const kept = await keep(request, pinned, statements);
      return {
        request,
        pinned,
        naming: {
          name,
          spine: kept.rows?.record ?? (spine as SpineRecord),
          manifest: null,
          after: newest?.version ?? 0,
        },
        ...kept,
      };
    },
    recipeOf({ request, pinned, naming }, { known, ...reads }, snapshots) {
      const { target, mode, withStatus = false, spine, out } = request;
      const recipe = {
        ...pinnedVersions(catalog, target, pinned, extraSourcesOf(spine)),
        ...pinnedReads(pinned, reads, snapshots),
        known,
        mode,
        withStatus,
        spine: naming.spine,
        format: formatOf(out),
        millrace: dependencies.version,
      };
      return { ...recipe, command: commandOf(naming.name, recipe) };
    },
    manifest(reference) {
      const named = datasetReference(reference);
      if (named !== null) return names.find(named) ?? noDataset(reference);
      return names.ofBuild(reference) ?? noDataset(reference);
    },
  };
};
