/** Data sets by id or by name. */
import { type DatasetStatus, noDataset } from '#domain/api/datasets.ts';
import { datasetReference } from '#domain/datasets/dataset.ts';
import { type DatasetManifest, spineOfRecord } from '#domain/datasets/manifest.ts';
import { MillraceError } from '#domain/errors.ts';
import type { DatasetJob } from '#domain/ports/dataset-jobs.ts';
import type { DatasetRuns } from './dataset-runs.ts';
import type { DatasetNames } from './named-datasets.ts';

export interface FoundJobs {
  /** The build of an id, or the newest one of a name. @throws MR_NOT_FOUND */
  readonly job: (reference: string) => Promise<DatasetJob>;
  /** Of a name, the newest build that is done, if one is. @throws MR_NOT_FOUND */
  readonly built: (reference: string) => Promise<DatasetJob>;
  /** newest first, then the versions whose builds are not kept any more */
  readonly newest: (limit: number) => Promise<readonly DatasetJob[]>;
}

type KeptSpine = DatasetJob['request']['spine'];

/** What is known of a build that is not kept any more. */
const jobOfManifest = (manifest: DatasetManifest): DatasetJob => {
  const { name, version, recipe, content, builds, at, by } = manifest;
  const { known, mode, withStatus, target, spine } = recipe;
  const status: DatasetStatus = {
    id: builds.at(-1) ?? name,
    name,
    version,
    state: content === null ? 'failed' : 'done',
    progress: content === null ? 0 : 1,
    stage: content === null ? 'failed' : 'done',
    rows: content?.rows ?? null,
    out: '',
    mode,
    features: [],
    views: recipe.views.map(({ view, version: v, generation }) => ({
      view,
      version: v,
      generation,
    })),
    known,
    error: null,
    startedAt: at,
    finishedAt: at,
  };
  const kept =
    spine.kind === 'rows' || spine.kind === 'sql'
      ? { rows: spine.rows }
      : (spineOfRecord(spine) as KeptSpine);
  return {
    status,
    request: { target, mode, known, withStatus, spine: kept, out: '' },
    kind: 'dataset',
    actor: by,
    principal: null,
    gateway: '',
    host: '',
    partial: '',
    home: '',
    bytes: content?.bytes ?? null,
  };
};

export const createFoundJobs = (
  runs: Pick<DatasetRuns, 'find' | 'newest'>,
  names: Pick<DatasetNames, 'find' | 'ofBuild' | 'all'>,
): FoundJobs => {
  /** Other gateways know a version by the registry first. */
  const withVersion = (job: DatasetJob): DatasetJob => {
    const manifest = names.ofBuild(job.status.id);
    if (manifest === null) return job;
    const { name, version } = manifest;
    return { ...job, status: { ...job.status, name, version } };
  };
  const kept = async (id: string): Promise<DatasetJob | null> => {
    try {
      return withVersion(await runs.find(id));
    } catch (error) {
      if (error instanceof MillraceError && error.code === 'MR_NOT_FOUND') return null;
      throw error;
    }
  };
  const buildsOf = (reference: string): DatasetManifest | null => {
    const named = datasetReference(reference);
    return named === null ? null : (names.find(named) ?? noDataset(reference));
  };
  const job: FoundJobs['job'] = async (reference) => {
    const manifest = buildsOf(reference);
    if (manifest === null) return withVersion(await runs.find(reference));
    return (await kept(manifest.builds.at(-1) ?? '')) ?? jobOfManifest(manifest);
  };
  return {
    job,
    async built(reference) {
      const manifest = buildsOf(reference);
      for (const id of manifest?.builds.toReversed() ?? []) {
        const one = await kept(id);
        if (one?.status.state === 'done') return one;
      }
      return job(reference);
    },
    async newest(limit) {
      const jobs = (await runs.newest(limit)).map(withVersion);
      const ids = new Set(jobs.map(({ status }) => status.id));
      const gone: DatasetJob[] = [];
      for (const manifest of names.all())
        if (!manifest.builds.some((id) => ids.has(id)))
          gone.push((await kept(manifest.builds.at(-1) ?? '')) ?? jobOfManifest(manifest));
      return [...jobs, ...gone];
    },
  };
};
