/**
 * Combines reads of single entities into one request: those of the same features that are made in
 * one turn of the event loop. A program that scores a list one by one needs only one call.
 */
import type { EntityKey } from '#domain/plan/plan.ts';

interface Waiting<Row> {
  readonly entity: EntityKey;
  readonly resolve: (row: Row) => void;
  readonly reject: (error: unknown) => void;
}

/** @param most entities of one request; more are split into several requests */
export const createBatcher = <Row>(
  readAll: (group: string, entities: readonly EntityKey[]) => Promise<readonly Row[]>,
  most: number,
): ((group: string, entity: EntityKey) => Promise<Row>) => {
  const groups = new Map<string, Waiting<Row>[]>();

  const send = async (group: string, waiting: readonly Waiting<Row>[]): Promise<void> => {
    try {
      const rows = await readAll(
        group,
        waiting.map(({ entity }) => entity),
      );
      waiting.forEach(({ resolve }, i) => resolve(rows[i] as Row));
    } catch (error) {
      for (const { reject } of waiting) reject(error);
    }
  };

  const flush = (group: string): void => {
    const waiting = groups.get(group) ?? [];
    groups.delete(group);
    for (let i = 0; i < waiting.length; i += most) void send(group, waiting.slice(i, i + most));
  };

  return (group, entity) =>
    new Promise((resolve, reject) => {
      const waiting = groups.get(group);
      if (waiting !== undefined) {
        waiting.push({ entity, resolve, reject });
        return;
      }
      groups.set(group, [{ entity, resolve, reject }]);
      setImmediate(flush, group);
    });
};
