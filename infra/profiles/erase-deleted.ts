/**
 * Views of other entities whose values can count events that `keepHistory` has deleted. An erasure
 * does not find such events: it is not known any more whether one was the entity's, and a replay
 * cannot leave it out.
 */
import type { Definition } from '#domain/definitions/model.ts';
import type { Remains } from '#domain/erasure/certificate.ts';
import type { ErasureScope } from '#domain/erasure/scope.ts';
import { coveredFrom } from '#domain/plan/covered-from.ts';
import { planView } from '#domain/plan/plan-view.ts';
import type { Directory } from '#domain/ports/file-io.ts';
import { rawTopic } from '#domain/ports/topics.ts';
import { formatTime } from '#domain/values/time.ts';
import { currentSnapshot, horizonOf } from '#infra/shared/iceberg/metadata.ts';
import { loadTable, tableDirectory } from '#infra/shared/iceberg/table-directory.ts';

type View = Extract<Definition, { readonly kind: 'feature-view' }>;

/** Whether a value of the view counts events from before the horizon; in doubt it does. */
const reachesBefore = (
  view: View,
  definitions: readonly Definition[],
  horizon: number,
  now: number,
): boolean => {
  const newest = <K extends Definition['kind']>(kind: K, name: string) =>
    definitions.findLast(
      (one): one is Extract<Definition, { readonly kind: K }> =>
        one.kind === kind && one.name === name,
    );
  const source = newest('source', view.source);
  const entity = newest('entity', view.entity);
  if (source === undefined || entity === undefined) return true;
  try {
    return coveredFrom(planView(view, source, entity), now) < horizon;
  } catch {
    // An earlier version can use a field that the source no longer has.
    return true;
  }
};

interface DeletedOptions {
  readonly root: Directory;
  /** every version of every definition */
  readonly definitions: readonly Definition[];
  readonly scope: ErasureScope;
  readonly now: number;
}

export const countedDeleted = async ({
  root,
  definitions,
  scope,
  now,
}: DeletedOptions): Promise<readonly Remains[]> => {
  const found: Remains[] = [];
  for (const [name, topics] of scope.otherViews)
    for (const topic of topics) {
      const table = await loadTable(tableDirectory(root, topic));
      const horizon = table === null ? null : horizonOf(currentSnapshot(table.metadata));
      if (horizon === null) continue;
      const versions = definitions.filter(
        (one): one is View =>
          one.kind === 'feature-view' && one.name === name && rawTopic(one.source) === topic,
      );
      if (!versions.some((view) => reachesBefore(view, definitions, horizon.time, now))) continue;
      found.push({
        what: `values of other entities of the view ${name}, of events before ${formatTime(horizon.time)}`,
        why: `they can count events of the entity that keepHistory has deleted from ${topic}: no record says whose these were, so the values cannot be computed without them. Give each feature a window that the history covers, or read another source`,
      });
    }
  return found;
};
