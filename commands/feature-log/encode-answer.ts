/** From an answer to the records of the feature log, one a row. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ReadResult } from '#domain/api/serving.ts';
import type {
  FeatureLogCodec,
  FeatureLogOnDemand,
} from '#domain/feature-log/feature-log-record.ts';
import type { EntityKey } from '#domain/plan/plan.ts';
import type { Row } from '#domain/values/value.ts';

/** The versions that a service's answers are computed by. */
export interface FeatureLogVersions {
  readonly version: number;
  readonly onDemand: readonly FeatureLogOnDemand[];
}

export interface LoggedAnswer {
  readonly codec: FeatureLogCodec;
  /** the share of requests that is logged */
  readonly share: number;
  readonly versions: FeatureLogVersions;
  readonly requestId: string;
  readonly actor: string;
  /** request inputs: one for all rows, or one a row */
  readonly request: readonly Row[] | undefined;
  readonly result: ReadResult;
}

/** How many rows are encoded at once, before other work gets a turn. */
const TURN_ROWS = 50;
const EMPTY: Row = {};

export const encodeAnswer = async ({
  codec,
  share,
  versions,
  requestId,
  actor,
  request,
  result,
}: LoggedAnswer): Promise<readonly Uint8Array[]> => {
  const { entities, features, at, known } = result;
  const views = result.views.map(({ view, version, generation, position, completeThrough }) => ({
    view,
    version,
    generation,
    position,
    completeThrough,
  }));
  const values: Uint8Array[] = [];
  for (let row = 0; row < entities.length; row++) {
    if (row % TURN_ROWS === TURN_ROWS - 1) await nextTurn();
    values.push(
      codec.encode({
        requestId,
        row,
        rows: entities.length,
        actor,
        serviceVersion: versions.version,
        sample: share,
        at,
        known,
        entity: entities[row] as EntityKey,
        request: (request?.length === 1 ? request[0] : request?.[row]) ?? EMPTY,
        views,
        onDemand: versions.onDemand,
        features,
        values: result.values[row] ?? [],
        status: result.status[row] ?? [],
      }),
    );
  }
  return values;
};
