/** Authorization of data sets, batches and rollups. */
import type { Caller } from '#domain/api/caller.ts';
import type { CheckDataset, DatasetOrigin, DatasetStatus, Datasets } from '#domain/api/datasets.ts';
import { noDataset } from '#domain/api/datasets.ts';
import type { RunStatement, SqlTableOf } from '#domain/api/sql.ts';
import { EVERYWHERE, may } from '#domain/authorization/grants.ts';
import type { Principal } from '#domain/authorization/principal.ts';
import { madeOf } from '#domain/datasets/made-of.ts';
import {
  type DatasetManifest,
  type SpineRecord,
  spineOfRecord,
} from '#domain/datasets/manifest.ts';
import type { DatasetSpine } from '#domain/datasets/spine.ts';
import { fail, hasCode } from '#domain/errors.ts';
import { tableRef } from '#projections/sql/table-names.ts';
import { ANONYMOUS, PLATFORM, sees } from './authorizer.ts';
import { type Checks, readTargetOf } from './checks.ts';
import type { Resource } from './resources.ts';
import { tableNeeds } from './sql.ts';

/** Data sets that a principal may have being built at a time: each has a thread and 512 MB. */
const MAX_RUNNING = 8;
const RETRY_MS = 5_000;

export const authorizeDatasets = (
  datasets: Datasets,
  { authorize, authorizeRead, charged, view, source, rates, resources }: Checks,
  query: RunStatement,
): Datasets => {
  /** Of kind/name. The rows of a service's table are of all views that it names. */
  const resourcesOf = (id: string): readonly Resource[] => {
    const [kind, name] = id.split('/', 2) as [SqlTableOf['kind'], string];
    return tableNeeds({ kind, of: name }, resources).resources;
  };

  /**
   * Its views, and what its rows come from; without a view, it belongs to no namespace, and is for
   * grants that hold in all.
   */
  const touchedBy = (
    { views }: Pick<DatasetStatus, 'views'>,
    { from }: Pick<DatasetOrigin, 'from'>,
  ): readonly Resource[] =>
    views.length === 0
      ? PLATFORM
      : [...views.flatMap((one) => view(one.view)), ...from.flatMap(resourcesOf)];

  /** A data set is visible to the principal that started it, and to admins of all it is of. */
  const visibleTo = (caller: Caller | undefined): CheckDataset => {
    authorize(caller, 'read', []);
    return (status, origin, reference) => {
      if (origin.owner !== null && origin.owner === caller?.principal?.id) return;
      const touched = touchedBy(status, origin);
      // To a caller who may not see them, the data set does not exist.
      if (!touched.every(({ namespace }) => sees(caller, namespace ?? EVERYWHERE)))
        noDataset(reference);
      authorize(caller, 'keys', touched);
    };
  };

  /** A manifest has no data of a data set, and is for those who may read all of its views. */
  const authorizedManifest = async (
    caller: Caller | undefined,
    reference: string,
  ): Promise<DatasetManifest> => {
    authorize(caller, 'read', []);
    const manifest = await datasets.manifest(reference);
    const shown = madeOf(manifest).map((id) => resources.namespaceOf(id) ?? EVERYWHERE);
    if (!shown.every((namespace) => sees(caller, namespace))) noDataset(reference);
    const views = manifest.recipe.views.flatMap((one) => view(one.view));
    authorize(caller, 'read', views.length === 0 ? PLATFORM : views);
    return manifest;
  };

  /** Of a name that is taken, callers who may not have its manifest learn no more than that. */
  const authorizeName = async (caller: Caller, name: string): Promise<void> => {
    const isAbsent = await datasets.manifest(name).then(
      () => false,
      (error: unknown) => hasCode(error, 'MR_NOT_FOUND'),
    );
    if (isAbsent) return;
    try {
      await authorizedManifest(caller, name);
    } catch {
      fail('MR_REFUSED', `the name "${name}" cannot be used: give the data set another one`, {
        name,
      });
    }
  };

  const authorizeSpine = (
    caller: Caller,
    principal: Principal,
    spine: DatasetSpine | undefined,
  ): void => {
    if (spine === undefined) return;
    if ('rows' in spine) charged(principal, () => rates.rows(principal, spine.rows.length));
    // How many rows they have is not known before.
    if ('grid' in spine || 'events' in spine) charged(principal, () => rates.rows(principal, 1));
    if ('events' in spine) authorize(caller, 'explain', source(spine.events.source));
  };

  /** principal → how many data sets it has being built */
  const running = new Map<string, number>();
  const begin = (principal: Principal): void => {
    const count = running.get(principal.id) ?? 0;
    if (count >= MAX_RUNNING)
      fail(
        'MR_RATE_LIMITED',
        `"${principal.actor ?? 'this caller'}" has ${count} data sets being built, and may have ${MAX_RUNNING}: wait for one to end, or cancel one`,
        { limit: MAX_RUNNING, retryAfterMs: RETRY_MS },
      );
    running.set(principal.id, count + 1);
  };
  const end = (principal: Principal): void => {
    const count = (running.get(principal.id) ?? 1) - 1;
    if (count > 0) running.set(principal.id, count);
    else running.delete(principal.id);
  };

  /** Counts a data set that a principal has being built; `unknownRows`: it pays for them then. */
  const counted = async (
    principal: Principal,
    unknownRows: boolean,
    start: () => Promise<DatasetStatus>,
  ): Promise<DatasetStatus> => {
    charged(principal, () => begin(principal));
    const settle = async (id: string): Promise<void> => {
      await datasets.ended(id);
      const { rows } = await datasets.get(id);
      if (unknownRows && rows !== null) rates.rowsGiven(principal, rows - 1);
    };
    try {
      const status = await start();
      void settle(status.id)
        .catch(() => undefined)
        .finally(() => end(principal));
      return status;
    } catch (error) {
      end(principal);
      throw error;
    }
  };
  const hasUnknownRows = (spine: DatasetSpine): boolean => 'grid' in spine || 'events' in spine;

  /** The rights to rows that a statement once gave: to keep them is no way around these. */
  const authorizeTables = (caller: Caller, spine: SpineRecord): void => {
    for (const { name } of spine.kind === 'sql' ? spine.tables : []) {
      const table = tableRef(name);
      if (table === null) continue;
      const { action, resources: touched } = tableNeeds(table, resources);
      authorize(caller, action, touched);
    }
  };

  /** The same request under a name that is taken gives the rows that are kept. */
  const authorizeKeptRows = async (caller: Caller, name: string): Promise<void> => {
    const manifest = await datasets.manifest(name).catch((error: unknown) => {
      if (hasCode(error, 'MR_NOT_FOUND')) return null;
      throw error;
    });
    if (manifest !== null) authorizeTables(caller, manifest.recipe.spine);
  };

  /** The area hides names in its errors; refusals of a statement hide them already. */
  const withStatements = async <T>(
    run: RunStatement,
    start: (run: RunStatement) => Promise<T>,
  ): Promise<T> => {
    let refusal: unknown = null;
    try {
      return await start(async (request, caller) => {
        try {
          return await run(request, caller);
        } catch (error) {
          refusal = error;
          throw error;
        }
      });
    } catch (error) {
      throw refusal ?? error;
    }
  };

  return {
    async start(request, caller, run = query) {
      const principal = authorizeRead(caller, readTargetOf(request.target));
      const { spine } = request;
      // Paths are on the server: a caller that names one reads and writes the server's files.
      if ('file' in spine || request.out !== undefined) authorize(caller, 'files', PLATFORM);
      authorizeSpine(caller, principal, spine);
      if (request.name !== undefined) await authorizeName(caller, request.name);
      if (request.name !== undefined && 'sql' in spine && request.newVersion !== true)
        await authorizeKeptRows(caller, request.name);
      return withStatements(run, (statement) =>
        counted(principal, hasUnknownRows(spine), () => datasets.start(request, caller, statement)),
      );
    },
    async rerun(reference, request, caller, run = query) {
      const { recipe } = await authorizedManifest(caller, reference);
      const principal = authorizeRead(caller, {
        features: recipe.views.map((one) => `${one.view}:`),
      });
      const { spine = spineOfRecord(recipe.spine), out } = request;
      if ((spine !== undefined && 'file' in spine) || out !== undefined)
        authorize(caller, 'files', PLATFORM);
      authorizeSpine(caller, principal, spine);
      authorizeTables(caller, recipe.spine);
      const unknown = spine !== undefined && hasUnknownRows(spine);
      return withStatements(run, (statement) =>
        counted(principal, unknown, () => datasets.rerun(reference, request, caller, statement)),
      );
    },
    manifest: (reference, caller) => authorizedManifest(caller, reference),
    async diff(first, second, caller) {
      for (const reference of [first, second]) await authorizedManifest(caller, reference);
      return datasets.diff(first, second, caller);
    },
    /** Its examples are values of the rows: it is for those who may have the files of both. */
    async diffRows(first, second, request, caller) {
      for (const reference of [first, second]) await authorizedManifest(caller, reference);
      const check = visibleTo(caller);
      const principal = caller?.principal ?? ANONYMOUS;
      charged(principal, () => begin(principal));
      return datasets.diffRows(first, second, request, caller, check).finally(() => end(principal));
    },
    get: async (id, caller) => datasets.get(id, caller, visibleTo(caller)),
    async list(caller) {
      const { grants, id } = authorize(caller, 'read', []);
      return datasets.list(caller, (status, origin) => {
        if (origin.owner !== null && origin.owner === id) return true;
        return touchedBy(status, origin).every(({ namespace }) =>
          may(grants, 'keys', namespace ?? EVERYWHERE),
        );
      });
    },
    file: async (id, caller) => datasets.file(id, caller, visibleTo(caller)),
    batches: async (id, caller) => datasets.batches(id, caller, visibleTo(caller)),
    ended: (id) => datasets.ended(id),
    cancel: async (id, caller) => datasets.cancel(id, caller, visibleTo(caller)),
    async batch(request, caller) {
      const principal = authorizeRead(caller, readTargetOf(request.target));
      authorize(caller, 'files', PLATFORM);
      // The number of rows is not known before. A caller with one row left of its daily quota gets
      // all of them, and no more that day.
      charged(principal, () => rates.rows(principal, 1));
      charged(principal, () => begin(principal));
      const result = await datasets.batch(request, caller).finally(() => end(principal));
      rates.rowsGiven(principal, result.rows - 1);
      return result;
    },
    async rollup(request, caller) {
      authorize(caller, 'operate', view(request.view));
      return datasets.rollup(request, caller);
    },
  };
};
