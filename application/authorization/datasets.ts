/** Authorization of data sets, batches and rollups. */
import type { Caller } from '#domain/api/caller.ts';
import type { DatasetStatus, Datasets } from '#domain/api/datasets.ts';
import { noDataset } from '#domain/api/datasets.ts';
import { EVERYWHERE } from '#domain/authorization/grants.ts';
import { PLATFORM, sees } from './authorizer.ts';
import { type Checks, readTargetOf } from './checks.ts';

export const authorizeDatasets = (
  datasets: Datasets,
  { authorize, authorizeRead, charged, view, rates }: Checks,
): Datasets => {
  /** data set id → id of the principal that started it, of this process */
  const owners = new Map<string, string>();
  /** A data set is visible to the principal that started it, and to admins of all its views. */
  const authorizedStatus = async (
    caller: Caller | undefined,
    id: string,
  ): Promise<DatasetStatus> => {
    authorize(caller, 'read', []);
    const status = await datasets.get(id);
    if (owners.get(id) === caller?.principal?.id) return status;
    const views = status.views.flatMap((one) => view(one.view));
    // To a caller who may not see its views, the data set does not exist.
    if (!views.every(({ namespace }) => sees(caller, namespace ?? EVERYWHERE))) noDataset(id);
    authorize(caller, 'keys', views);
    return status;
  };

  return {
    async start(request, caller) {
      const principal = authorizeRead(caller, readTargetOf(request.target));
      // Paths are on the server: a caller that names one reads and writes the server's files.
      if ('file' in request.spine || request.out !== undefined)
        authorize(caller, 'files', PLATFORM);
      const { spine } = request;
      if ('rows' in spine) charged(principal, () => rates.rows(principal, spine.rows.length));
      const status = await datasets.start(request, caller);
      owners.set(status.id, principal.id);
      return status;
    },
    get: async (id, caller) => authorizedStatus(caller, id),
    async cancel(id, caller) {
      await authorizedStatus(caller, id);
      return datasets.cancel(id, caller);
    },
    async batch(request, caller) {
      const principal = authorizeRead(caller, readTargetOf(request.target));
      authorize(caller, 'files', PLATFORM);
      // The number of rows is not known before. A caller with one row left of its daily quota gets
      // all of them, and no more that day.
      charged(principal, () => rates.rows(principal, 1));
      const result = await datasets.batch(request, caller);
      rates.rowsGiven(principal, result.rows - 1);
      return result;
    },
    async rollup(request, caller) {
      authorize(caller, 'operate', view(request.view));
      return datasets.rollup(request, caller);
    },
  };
};
