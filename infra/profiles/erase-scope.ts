/** What the erasure and its check have in common: the entity's scope in one database. */
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
import { isFeaturesTopic } from '#domain/ports/topics.ts';
import type { RecordTest } from '#infra/sqlite/erase-log.ts';
import { commitsOf } from '#infra/sqlite/registry-rows.ts';

/** Every version of every definition that was ever registered. */
const definitionsOf = (db: DatabaseSync): readonly Definition[] => {
  const all: Definition[] = [];
  for (const { events } of commitsOf(db))
    for (const { data } of events as readonly { readonly data: object }[])
      if ('definition' in data) all.push(data.definition as Definition);
  return all;
};

export interface EntityIn {
  readonly definitions: readonly Definition[];
  readonly scope: ErasureScope;
  readonly testOf: (topic: string) => RecordTest;
  /** whether a text has the entity's values as words */
  readonly isInText: (text: string) => boolean;
}

/** @throws MR_ENTITY_INVALID */
export const entityIn = (db: DatabaseSync, entity: EntityTexts): EntityIn => {
  const definitions = definitionsOf(db);
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

export const digestOf = (platform: string, { keys }: ErasureScope): string =>
  createHash('sha256')
    .update(JSON.stringify([platform, ...keys]))
    .digest('hex');
