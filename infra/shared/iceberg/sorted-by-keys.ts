/** By which fields the events of a source are sorted. */
import type { WantedView } from '#domain/ports/engine.ts';
import { rawTopic } from '#domain/ports/topics.ts';

/** topic → fields */
export type KeysOfTopics = Readonly<Record<string, readonly string[]>>;

const isPrefix = (short: readonly string[], long: readonly string[]): boolean =>
  short.every((field, i) => long[i] === field);

/**
 * Of each source: the keys of most of its views; where the keys of another view begin with them,
 * those, because they serve both.
 */
export const keysOfTopics = (wanted: readonly WantedView[]): KeysOfTopics => {
  const bySource = new Map<string, Map<string, { fields: readonly string[]; views: number }>>();
  for (const { generations } of wanted) {
    const plan = generations.at(-1)?.spec.plan;
    if (plan === undefined) continue;
    const fields = plan.keys.map(({ field }) => field);
    const lists = bySource.get(plan.source) ?? new Map();
    bySource.set(plan.source, lists);
    const id = JSON.stringify(fields);
    lists.set(id, { fields, views: (lists.get(id)?.views ?? 0) + 1 });
  }
  return Object.fromEntries(
    [...bySource].map(([source, lists]) => {
      const each = [...lists.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, one]) => one);
      const used = each.reduce((best, one) => (one.views > best.views ? one : best));
      const longest = each
        .filter(({ fields }) => isPrefix(used.fields, fields))
        .reduce((best, one) => (one.fields.length > best.fields.length ? one : best));
      return [rawTopic(source), longest.fields];
    }),
  );
};
