/** The logged answers to one request, found by its id. */

import type { Serving } from '#domain/api/serving.ts';
import type { FeatureServiceDefinition } from '#domain/definitions/model.ts';
import { fail } from '#domain/errors.ts';
import type { FeatureLogRow } from '#domain/feature-log/feature-log-record.ts';
import type { Catalog } from '#projections/catalog/catalog.ts';
import type { FeatureLogRows } from './feature-log-rows.ts';

interface FeatureLogQueriesDependencies {
  readonly catalog: Catalog;
  readonly rows: FeatureLogRows;
  /** writes noted answers to the log */
  readonly flush: () => Promise<void>;
}

/** @throws MR_NOT_FOUND: there is no such service; MR_REFUSED: it was never logged */
export const requireLogged = (catalog: Catalog, service: string): void => {
  const state = catalog.stream('feature-service', service)?.state;
  if (state === undefined)
    fail('MR_NOT_FOUND', `there is no feature service "${service}"`, { service });
  if (
    !state?.versions.some(
      ({ definition }) => (definition as FeatureServiceDefinition).logging !== undefined,
    )
  )
    fail(
      'MR_REFUSED',
      `service "${service}" is not logged: declare logging: { sample: 0.1 } on it and apply`,
      { service },
    );
};

export const createFeatureLogQueries = ({
  catalog,
  rows,
  flush,
}: FeatureLogQueriesDependencies): Pick<Serving, 'featureLog'> => ({
  async featureLog(service, { requestId }) {
    requireLogged(catalog, service);
    await flush();
    const found: FeatureLogRow[] = [];
    for await (const batch of rows(service, { requestId })) found.push(...batch);
    if (found.length > 0) return found;
    return fail(
      'MR_NOT_FOUND',
      `no answer of "${service}" to request "${requestId}" was logged: it was not in the sample, or came before the service was logged`,
      { service, requestId },
    );
  },
});
