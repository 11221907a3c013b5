/** What is stored of a data set when it is requested. */
import type { DatasetRequest } from '#domain/api/datasets.ts';
import type { DatasetJob, KeptRequest } from '#domain/ports/dataset-jobs.ts';
import type { Prepared } from './named-datasets.ts';

const keptRequest = ({ spine, name: _, newVersion: __, ...rest }: DatasetRequest): KeptRequest => ({
  ...rest,
  spine: 'rows' in spine ? { rows: spine.rows.length } : spine,
});

export const newJob = (
  id: string,
  out: string,
  { request, pinned, naming }: Prepared,
  { known, startedAt }: { readonly known: number; readonly startedAt: number },
): Pick<DatasetJob, 'request' | 'status'> => ({
  request: keptRequest(request),
  status: {
    id,
    ...(naming === null ? {} : { name: naming.name }),
    ...(naming === null || naming.manifest === null ? {} : { version: naming.manifest.version }),
    state: 'running',
    progress: 0,
    stage: 'starting',
    rows: null,
    out,
    mode: request.mode,
    features: [],
    views: pinned.views.map(({ view, version, generation }) => ({ view, version, generation })),
    known,
    error: null,
    startedAt,
    finishedAt: null,
  },
});
