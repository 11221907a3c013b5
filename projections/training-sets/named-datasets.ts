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
  spineOfRecord,
} from '#domain/datasets/manifest.ts';
import { commandOf, otherThan, sameSpine } from '#domain/datasets/same-request.ts';
import type { DatasetSpine } from '#domain/datasets/spine.ts';
import { NAME, NAME_RULE } from '#domain/definitions/names.ts';
import { fail } from '#domain/errors.ts';
import type { KeptRequest } from '#domain/ports/dataset-jobs.ts';
import type { ReadSnapshot } from '#domain/ports/lineage.ts';
import type { TrainingSetBuilder, TrainingSetJob } from '#domain/ports/training-set-builder.ts';
import type { Catalog } from '#projections/catalog/catalog.ts';
import type { DatasetIndex } from './dataset-index.ts';
import type { Pinned } from './pin-target.ts';
import { pinnedAgain, pinnedReads, pinnedVersions } from './recipes.ts';

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
}

export interface NamedDatasets {
  readonly prepare: (request: DatasetRequest & { readonly name: string }) => Promise<Prepared>;
  readonly again: (manifest: DatasetManifest, request: RerunRequest) => Promise<Prepared>;
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

export const createNamedDatasets = (dependencies: NamedDependencies): NamedDatasets => {
  const { catalog, names, builder, pin, isRunning } = dependencies;

  const again = async (
    manifest: DatasetManifest,
    { spine = spineOf(manifest), out, overwrite }: RerunRequest,
  ): Promise<Prepared> => {
    const { name, version, recipe } = manifest;
    const { target, mode, withStatus, known, format } = recipe;
    if (formatOf(out) !== format)
      fail(
        'MR_REFUSED',
        `data set "${name}" version ${version} is a ${format} file: name an output that ends in .${format}`,
        { name, version },
      );
    const found = await builder.identify(spine);
    if (!sameSpine(found, recipe.spine))
      fail(
        'MR_DATASET_CHANGED',
        `the spine of data set "${name}" version ${version} has changed: ${'file' in spine ? `"${spine.file}" does not have the content that it had` : 'these are not the rows that were given'}. Give the same spine, or make a new version`,
        { name, version, expected: recipe.spine, found },
      );
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
      },
      pinned: pinnedAgain(catalog, recipe),
      naming: { name, spine: found, manifest, after: version },
    };
  };

  return {
    again,
    async prepare(request) {
      const { name, target, mode, known, withStatus = false, out, spine: given } = request;
      if (!NAME.test(name))
        fail('MR_BODY_INVALID', `"name" must be ${NAME_RULE}, not ${JSON.stringify(name)}`);
      const spine = await builder.identify(given);
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
        if (others.length === 0) return again(newest, { ...request, spine: given });
        const last = newest.builds.at(-1);
        if (newest.content !== null || (last !== undefined && (await isRunning(last))))
          fail(
            'MR_REFUSED',
            `there is a data set "${name}" already, and this request is another one (${others.join('; ')}): give it another name, or ask for a new version with --new-version ("newVersion": true)`,
            { name, version: newest.version, differences: others },
          );
      }
      return {
        request,
        pinned: pin(target),
        naming: { name, spine, manifest: null, after: newest?.version ?? 0 },
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
