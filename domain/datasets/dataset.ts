/**
 * Named data sets: one stream each, `dataset/NAME`. A name has versions 1, 2, …; each is a recipe,
 * which never changes, and what was written when it was first built to the end.
 *
 *     named ──▶ built ──▶ rebuilt, rebuilt, …
 *
 * A version that was named and not built, because its gateway ended or the request was cancelled,
 * is built by the next request for it.
 */
import type { ErrorCode, Problem } from '#domain/errors.ts';
import type { DatasetContent, DatasetManifest, DatasetRecipe } from './manifest.ts';

interface OfVersion {
  readonly name: string;
  readonly version: number;
  /** id of the build */
  readonly dataset: string;
}

export type DatasetEvent =
  | {
      readonly type: 'DatasetNamed';
      readonly data: OfVersion & {
        readonly recipe: DatasetRecipe;
        readonly by: string;
        readonly at: number;
      };
    }
  | {
      readonly type: 'DatasetBuilt';
      readonly data: OfVersion & { readonly content: DatasetContent };
    }
  /** built again, with the same bytes */
  | { readonly type: 'DatasetRebuilt'; readonly data: OfVersion };

export interface DatasetState {
  readonly versions: readonly DatasetManifest[];
}

export const NO_VERSIONS: DatasetState = { versions: [] };

const STREAM = 'dataset/';
export const datasetStream = (name: string): string => `${STREAM}${name}`;
export const isDatasetStream = (stream: string): boolean => stream.startsWith(STREAM);

export const evolveDataset = ({ versions }: DatasetState, event: DatasetEvent): DatasetState => {
  if (event.type === 'DatasetNamed') {
    const { dataset, ...data } = event.data;
    return { versions: [...versions, { ...data, content: null, builds: [dataset] }] };
  }
  const { version, dataset } = event.data;
  const content = event.type === 'DatasetBuilt' ? event.data.content : null;
  return {
    versions: versions.map((one) => {
      if (one.version !== version) return one;
      const builds = [...one.builds.filter((id) => id !== dataset), dataset];
      return { ...one, builds, content: one.content ?? content };
    }),
  };
};

export type DatasetCommand =
  | {
      readonly type: 'NameDataset';
      readonly name: string;
      readonly dataset: string;
      readonly recipe: DatasetRecipe;
      readonly by: string;
      /** the version that the request was decided on; 0: the name was free */
      readonly after: number;
    }
  | {
      readonly type: 'CompleteDataset';
      readonly name: string;
      readonly version: number;
      readonly dataset: string;
      readonly content: DatasetContent;
    };

type DatasetDecision =
  | { readonly outcome: 'accepted'; readonly events: readonly DatasetEvent[] }
  | { readonly outcome: 'refused'; readonly problem: Problem };

const refuse = (code: ErrorCode, message: string): DatasetDecision => ({
  outcome: 'refused',
  problem: { code, message },
});

const accept = (event: DatasetEvent): DatasetDecision => ({
  outcome: 'accepted',
  events: [event],
});

export const decideDataset = (
  { versions }: DatasetState,
  command: DatasetCommand,
  at: number,
): DatasetDecision => {
  const newest = versions.at(-1)?.version ?? 0;
  if (command.type === 'NameDataset') {
    const { name, dataset, recipe, by, after } = command;
    if (newest !== after)
      return refuse(
        'MR_VERSION_CONFLICT',
        `the data set "${name}" is at version ${newest}, and was at ${after} when this one was requested: request it again`,
      );
    const data = { name, version: newest + 1, dataset, recipe, by, at };
    return accept({ type: 'DatasetNamed', data });
  }
  const { name, version, dataset, content } = command;
  const found = versions.find((one) => one.version === version);
  if (found === undefined)
    return refuse('MR_NOT_FOUND', `there is no data set "${name}" version ${version}`);
  if (found.content === null)
    return accept({ type: 'DatasetBuilt', data: { name, version, dataset, content } });
  if (found.content.sha256 !== content.sha256)
    return refuse(
      'MR_DATASET_CHANGED',
      `the data set "${name}" version ${version} was built by another request in the meantime, with other bytes`,
    );
  return accept({ type: 'DatasetRebuilt', data: { name, version, dataset } });
};

export interface DatasetReference {
  readonly name: string;
  /** null: the newest */
  readonly version: number | null;
}

/** Splits NAME or NAME@VERSION. Null where the text is neither, such as an id. */
export const datasetReference = (text: string): DatasetReference | null => {
  const [, name, version] = /^([a-z][a-z0-9_]{0,62})(?:@v?([1-9]\d{0,8}))?$/.exec(text) ?? [];
  if (name === undefined) return null;
  return { name, version: version === undefined ? null : Number(version) };
};
