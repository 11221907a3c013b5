/** What a revision of a feature view changes. */
import type { FeatureViewDefinition } from '#domain/definitions/model.ts';
import { type Draft, note, type Readers, same } from './change.ts';

/** A ttl makes every feature nullable; its own note says what it costs. */
const withoutTtl = ({ ttl: _ttl, ...view }: FeatureViewDefinition): FeatureViewDefinition => view;

export const diffView = (
  before: FeatureViewDefinition,
  after: FeatureViewDefinition,
  readers: Readers,
  draft: Draft,
): void => {
  for (const path of ['entity', 'source', 'join'] as const) {
    if (!same(before[path], after[path])) {
      note(
        draft,
        path,
        before[path],
        after[path],
        'breaking',
        `its ${path} changes, so readers would need other keys or get other data`,
        Object.keys(before.features).flatMap((name) => readers.ofFeature(before.name, name)),
      );
    }
  }
  for (const path of ['where', 'lateness', 'ttl', 'online', 'offline'] as const) {
    if (!same(before[path], after[path]))
      note(
        draft,
        path,
        before[path],
        after[path],
        'replay',
        `${path} affects values: a replay recomputes them`,
      );
  }
  for (const [name, old] of Object.entries(before.features)) {
    const now = after.features[name];
    const path = `features.${name}`;
    const used = readers.ofFeature(before.name, name);
    if (now === undefined) {
      if (used.length > 0)
        note(
          draft,
          path,
          old,
          null,
          'breaking',
          `feature ${name} is removed, but ${used.join(', ')} read${used.length === 1 ? 's' : ''} it`,
          used,
        );
      else note(draft, path, old, null, 'replay', `feature ${name} is removed; nothing reads it`);
      continue;
    }
    const { description: oldText, ...oldRest } = old;
    const { description: newText, ...newRest } = now;
    if (!same(oldRest, newRest)) {
      const [oldType, newType] = [
        readers.featureType(withoutTtl(before), name),
        readers.featureType(withoutTtl(after), name),
      ];
      if (oldType !== newType && used.length > 0) {
        note(
          draft,
          path,
          old,
          now,
          'breaking',
          `feature ${name} changes from ${oldType} to ${newType}, but ${used.join(', ')} read${used.length === 1 ? 's' : ''} it`,
          used,
        );
      } else
        note(
          draft,
          path,
          old,
          now,
          'replay',
          `feature ${name} is computed differently: it needs a replay`,
        );
    } else if (!same(oldText, newText))
      note(draft, `${path}.description`, oldText, newText, 'compatible');
  }
  for (const [name, now] of Object.entries(after.features)) {
    if (before.features[name] === undefined)
      note(
        draft,
        `features.${name}`,
        null,
        now,
        'replay',
        `feature ${name} is new: it needs a replay to compute its past values`,
      );
  }
};
