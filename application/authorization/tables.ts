/**
 * Authorization of the tables that other engines read. Raw events take the right to export them,
 * values of a view the right to read them, logged answers that of their lookup. A table that the
 * caller may not read does not exist for it; an attempt to load one is recorded as a refusal.
 */
import type { Caller } from '#domain/api/caller.ts';
import { definitionOfTable, noTable, type TableName, type Tables } from '#domain/api/tables.ts';
import { type Action, EVERYWHERE, may } from '#domain/authorization/grants.ts';
import { hasCode } from '#domain/errors.ts';
import { ANONYMOUS } from './authorizer.ts';
import type { Checks } from './checks.ts';
import type { Resource } from './resources.ts';
import { tableNeeds } from './sql.ts';

interface Needed {
  readonly action: Action;
  readonly resources: readonly Resource[];
}

export const authorizeTables = (
  tables: Tables,
  { authorize, resources }: Pick<Checks, 'authorize' | 'resources'>,
): Tables => {
  const needed = (table: TableName): Needed | null => {
    const definition = definitionOfTable(table);
    if (definition === null) return null;
    return tableNeeds({ kind: definition.kind, of: definition.name }, resources);
  };
  const mayRead = (caller: Caller | undefined, table: TableName): boolean => {
    const needs = needed(table);
    const { grants } = caller?.principal ?? ANONYMOUS;
    return (
      needs?.resources.every(({ namespace }) =>
        may(grants, needs.action, namespace ?? EVERYWHERE),
      ) ?? false
    );
  };

  return {
    async list(namespace, caller) {
      authorize(caller, 'catalog', []);
      const names = await tables.list(namespace, caller);
      return names.filter((name) => mayRead(caller, { namespace, name }));
    },
    async load(table, snapshots, caller) {
      authorize(caller, 'catalog', []);
      const needs = needed(table);
      if (needs === null) return noTable(table);
      try {
        authorize(caller, needs.action, needs.resources);
      } catch (error) {
        if (hasCode(error, 'MR_FORBIDDEN')) return noTable(table);
        throw error;
      }
      return tables.load(table, snapshots, caller);
    },
    async exists(table, caller) {
      authorize(caller, 'catalog', []);
      return mayRead(caller, table) && tables.exists(table, caller);
    },
  };
};
