/**
 * Authorization of SQL. A table takes the right that its rows take elsewhere: raw events that of
 * their export, logged answers that of their lookup. To a caller, a table that it may not read is
 * the same as one that does not exist.
 */
import type { Caller } from '#domain/api/caller.ts';
import type { Sql, SqlTableOf } from '#domain/api/sql.ts';
import { type Action, may, maySomewhere } from '#domain/authorization/grants.ts';
import type { Principal } from '#domain/authorization/principal.ts';
import { fail } from '#domain/errors.ts';
import type { SqlBatch } from '#domain/sql-results/sql-type.ts';
import { tableRef } from '#projections/sql/table-names.ts';
import { ANONYMOUS, PLATFORM } from './authorizer.ts';
import type { Checks } from './checks.ts';
import type { Resource, Resources } from './resources.ts';

/** Statements that a principal may have running at a time: each has a process and its memory. */
const MAX_RUNNING = 2;
const RETRY_MS = 1_000;

const ACTION: Readonly<Record<SqlTableOf['kind'], Action>> = {
  source: 'operate',
  'feature-service': 'explain',
  'feature-view': 'read',
};

/** What the rows of a table tell, and the right to have them. */
export const tableNeeds = (
  { kind, of }: SqlTableOf,
  resources: Pick<Resources, 'ofFeatureLog' | 'one'>,
): { readonly action: Action; readonly resources: readonly Resource[] } => ({
  action: ACTION[kind],
  resources: kind === 'feature-service' ? resources.ofFeatureLog(of) : resources.one(kind, of),
});

export const authorizeSql = (
  sql: Sql,
  { authorize, charged, resources, rates, holds }: Checks,
): Sql => {
  const visibleTo =
    (caller: Caller | undefined) =>
    (table: SqlTableOf): boolean => {
      const { grants } = caller?.principal ?? ANONYMOUS;
      const { action, resources: touched } = tableNeeds(table, resources);
      return touched.every(({ namespace }) => namespace !== null && may(grants, action, namespace));
    };

  const check = (caller: Caller | undefined, names: readonly string[]): void => {
    for (const table of names.flatMap((name) => tableRef(name) ?? [])) {
      const { action, resources: touched } = tableNeeds(table, resources);
      authorize(caller, action, touched);
    }
  };

  /** Callers that could read no table at all use no engine. */
  const authorizeSome = (caller: Caller | undefined): Principal => {
    const principal = caller?.principal ?? ANONYMOUS;
    const reads = Object.values(ACTION).some((action) => maySomewhere(principal.grants, action));
    return reads ? principal : authorize(caller, ACTION.source, PLATFORM);
  };

  /** principal → how many statements it has running */
  const running = new Map<string, number>();
  const begin = (principal: Principal): (() => void) => {
    const count = running.get(principal.id) ?? 0;
    if (count >= MAX_RUNNING)
      fail(
        'MR_RATE_LIMITED',
        `"${principal.actor ?? 'this caller'}" has ${count} SQL statements running, and may have ${MAX_RUNNING}: wait for one to end`,
        { limit: MAX_RUNNING, retryAfterMs: RETRY_MS },
      );
    running.set(principal.id, count + 1);
    let ended = false;
    return () => {
      if (ended) return;
      ended = true;
      const left = (running.get(principal.id) ?? 1) - 1;
      if (left > 0) running.set(principal.id, left);
      else running.delete(principal.id);
    };
  };

  /** An answer ends when its caller's key is revoked or expires. */
  async function* whileHeld(
    principal: Principal,
    batches: AsyncIterable<SqlBatch>,
    end: () => void,
  ): AsyncGenerator<SqlBatch> {
    try {
      for await (const batch of batches) {
        if (!holds(principal))
          fail('MR_UNAUTHENTICATED', `the key of "${principal.actor}" was revoked or has expired`);
        yield batch;
      }
    } finally {
      end();
    }
  }

  return {
    async tables(caller) {
      authorize(caller, 'catalog', []);
      return sql.tables(caller, visibleTo(caller));
    },
    async query(request, caller) {
      const principal = authorizeSome(caller);
      // The number of rows is not known before, as of a batch.
      charged(principal, () => rates.rows(principal, 1));
      let end = (): void => {};
      charged(principal, () => {
        end = begin(principal);
      });
      // The area hides names in its errors. This one says the same of hidden and of absent names.
      let refusal: unknown = null;
      const checked = (names: readonly string[]): void => {
        try {
          check(caller, names);
        } catch (error) {
          refusal = error;
          throw error;
        }
      };
      try {
        const answer = await sql.query(request, caller, {
          check: checked,
          visible: visibleTo(caller),
        });
        rates.rowsGiven(principal, answer.rows - 1);
        return {
          ...answer,
          batches: whileHeld(principal, answer.batches, end),
          close() {
            answer.close();
            end();
          },
        };
      } catch (error) {
        end();
        throw refusal ?? error;
      }
    },
  };
};
