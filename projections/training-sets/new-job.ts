/** What is stored of a data set when it is requested. */
import type { DatasetJob, KeptRequest } from '#domain/ports/dataset-jobs.ts';
import type { Prepared } from './named-datasets.ts';

/** A statement may name keys, so it is not stored. */
const keptSpine = ({ request: { spine }, rows, present }: Prepared): KeptRequest['spine'] => {
  if (present !== undefined) return { rows: present.rows };
  if ('rows' in spine) return { rows: spine.rows.length };
  if (!('sql' in spine)) return spine;
  return { rows: rows?.record.rows ?? 0, from: rows?.record.tables.map(({ of }) => of) ?? [] };
};

const keptRequest = (prepared: Prepared): KeptRequest => {
  const { spine: _, name: __, newVersion: ___, ...rest } = prepared.request;
  return { ...rest, spine: keptSpine(prepared) };
};

export const newJob = (
  id: string,
  out: string,
  prepared: Prepared,
  { known, startedAt }: { readonly known: number; readonly startedAt: number },
): Pick<DatasetJob, 'request' | 'status'> => ({
  request: keptRequest(prepared),
  status: {
    id,
    ...(prepared.naming === null ? {} : { name: prepared.naming.name }),
    ...(prepared.naming === null || prepared.naming.manifest === null
      ? {}
      : { version: prepared.naming.manifest.version }),
    state: 'running',
    progress: 0,
    stage: 'starting',
    rows: null,
    out,
    mode: prepared.request.mode,
    features: [],
    views: prepared.pinned.views.map(({ view, version, generation }) => ({
      view,
      version,
      generation,
    })),
    known,
    error: null,
    startedAt,
    finishedAt: null,
  },
});
