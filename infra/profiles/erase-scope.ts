/** What erasures and their checks have in common: the entity's scope in one registry. */
import { createHash } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import type { Definition } from '#domain/definitions/model.ts';
import {
  type EntityTexts,
  type ErasureScope,
  erasureScope,
  matchesRecord,
  textMatcher,
} from '#domain/erasure/scope.ts';
import type { LogRecord } from '#domain/ports/log.ts';
import { isFeaturesTopic } from '#domain/ports/topics.ts';
import { commitsOf } from '#infra/sqlite/registry-rows.ts';

/** Every version of every definition that was ever registered. */
export const definitionsIn = (
  commits: Iterable<{ readonly events: readonly unknown[] }>,
): readonly Definition[] => {
  const all: Definition[] = [];
  for (const { events } of commits)
    for (const { data } of events as readonly { readonly data: object }[])
      if ('definition' in data) all.push(data.definition as Definition);
  return all;
};

/** Whether a record is the entity's; null: no record of the topic is. */
export type EntityTest =
  | ((record: Pick<LogRecord, 'key'>, decoded: Readonly<Record<string, unknown>>) => boolean)
  | null;

export interface EntityIn {
  readonly definitions: readonly Definition[];
  readonly scope: ErasureScope;
  readonly testOf: (topic: string) => EntityTest;
  /** whether a text has the entity's values as words */
  readonly isInText: (text: string) => boolean;
}

/** @throws MR_ENTITY_INVALID */
export const entityOf = (definitions: readonly Definition[], entity: EntityTexts): EntityIn => {
  const scope = erasureScope(definitions, entity);
  const isInText = textMatcher(scope.texts);
  return {
    definitions,
    scope,
    isInText,
    testOf(topic) {
      const matches = scope.matches.get(topic);
      if (matches !== undefined)
        return ({ key }, decoded) =>
          (key !== null && isFeaturesTopic(topic) && scope.keys.includes(key)) ||
          matchesRecord(matches, decoded);
      if (!scope.textTopics.includes(topic)) return null;
      return (_, { event, message }) => isInText(String(event)) || isInText(String(message));
    },
  };
};

/** @throws MR_ENTITY_INVALID */
export const entityIn = (db: DatabaseSync, entity: EntityTexts): EntityIn =>
  entityOf(definitionsIn(commitsOf(db)), entity);

export const digestOf = (platform: string, { keys }: ErasureScope): string =>
  createHash('sha256')
    .update(JSON.stringify([platform, ...keys]))
    .digest('hex');
