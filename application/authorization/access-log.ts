/**
 * The authorized platform with an access log: reads, data sets, batches, exports, explanations,
 * logged answers, skew, SQL and tables. Requests that are refused access are in the audit log, not
 * here.
 *
 * A request on several namespaces is logged with the highest share of theirs. The draw is random,
 * not by the request's id, which callers choose.
 */
import type { Caller } from '#domain/api/caller.ts';
import type { Platform } from '#domain/api/platform.ts';
import type { RunStatement } from '#domain/api/sql.ts';
import { definitionOfTable } from '#domain/api/tables.ts';
import { datasetStream } from '#domain/datasets/dataset.ts';
import { MillraceError } from '#domain/errors.ts';
import type { AccessAct, AccessEntry, AccessLog, AccessSamples } from '#domain/ports/access-log.ts';
import type { Row } from '#domain/values/value.ts';
import { tableRef } from '#projections/sql/table-names.ts';
import { ANONYMOUS } from './authorizer.ts';
import { readTargetOf } from './checks.ts';
import type { ReadTarget, Resource, Resources } from './resources.ts';

interface AccessLogDependencies {
  readonly log: AccessLog;
  readonly samples: AccessSamples;
  readonly resources: Pick<Resources, 'one' | 'ofRead' | 'ofExplanation'>;
  readonly now: () => number;
  /** from 0 to 1 */
  readonly random?: () => number;
}

type Logged = Pick<AccessEntry, 'act' | 'what'> & { readonly resources: readonly Resource[] };

const REFUSED: ReadonlySet<string> = new Set([
  'MR_FORBIDDEN',
  'MR_UNAUTHENTICATED',
  'MR_RATE_LIMITED',
  'MR_QUOTA_EXCEEDED',
]);

const codeOf = (error: unknown): string =>
  error instanceof MillraceError ? error.code : 'MR_INTERNAL';

export const shareOf = (
  { others, byNamespace }: AccessSamples,
  namespaces: readonly string[],
): number =>
  namespaces.length === 0
    ? others
    : Math.max(...namespaces.map((namespace) => byNamespace.get(namespace) ?? others));

export const withAccessLog = (
  platform: Platform,
  { log, samples, resources, now, random = Math.random }: AccessLogDependencies,
): Platform => {
  /** Writes an entry when the request has ended, if it is drawn; null: it is not. */
  const drawn = (
    { act, what, resources: touched }: Logged,
    caller: Caller | undefined,
  ): ((entities: number | null, outcome: string) => void) | null => {
    const namespaces = [...new Set(touched.flatMap(({ namespace }) => namespace ?? []))].sort();
    const sample = shareOf(samples, namespaces);
    if (random() >= sample) return null;
    const time = now();
    const { id: principal } = caller?.principal ?? ANONYMOUS;
    const [actor, request] = [caller?.actor ?? '', caller?.requestId ?? null];
    return (entities, outcome) => {
      if (REFUSED.has(outcome)) return;
      log.write({
        time,
        act,
        principal,
        actor,
        request,
        what,
        namespaces,
        entities,
        outcome,
        sample,
      });
    };
  };
  const logged = async <T>(
    what: Logged,
    caller: Caller | undefined,
    run: () => Promise<T>,
    entitiesOf: (result: T | null) => number | null,
  ): Promise<T> => {
    const write = drawn(what, caller);
    if (write === null) return run();
    try {
      const result = await run();
      write(entitiesOf(result), 'ok');
      return result;
    } catch (error) {
      const code = codeOf(error);
      // A table that the caller may not read is answered as one that does not exist.
      if (what.act !== 'table' || code !== 'MR_NOT_FOUND') write(entitiesOf(null), code);
      throw error;
    }
  };
  const ofTarget = (act: AccessAct, target: ReadTarget): Logged => ({
    act,
    what:
      target.service === undefined
        ? (target.features ?? [])
        : [`feature-service/${target.service}`],
    resources: resources.ofRead(target),
  });
  async function* counted(
    batches: AsyncIterable<readonly Row[]>,
    write: (entities: number | null, outcome: string) => void,
  ): AsyncGenerator<readonly Row[]> {
    let [rows, outcome] = [0, 'incomplete'];
    try {
      for await (const batch of batches) {
        rows += batch.length;
        yield batch;
      }
      outcome = 'ok';
    } catch (error) {
      outcome = codeOf(error);
      throw error;
    } finally {
      write(rows, outcome === 'MR_UNAUTHENTICATED' ? 'incomplete' : outcome);
    }
  }

  const { serving, datasets, publishing, sql, tables } = platform;
  const query: RunStatement = async (request, caller) => {
    const entry = (names: readonly string[]): Logged => {
      const tables = names.flatMap((name) => tableRef(name) ?? []);
      return {
        act: 'sql',
        what: names.map((name) => `table/${name}`),
        resources: tables.flatMap(({ kind, of }) => resources.one(kind, of)),
      };
    };
    try {
      const answer = await sql.query(request, caller);
      drawn(entry(answer.tables.map(({ name }) => name)), caller)?.(answer.rows, 'ok');
      return answer;
    } catch (error) {
      // Nothing was given.
      drawn(entry([]), caller)?.(null, codeOf(error));
      throw error;
    }
  };
  return {
    ...platform,
    serving: {
      read: (request, caller) =>
        logged(
          ofTarget('read', request),
          caller,
          () => serving.read(request, caller),
          () => request.entities.length,
        ),
      explain(request, caller) {
        const { view, feature } = request;
        const what = [view === undefined ? feature : `${view}:${feature}`];
        const touched = resources.ofExplanation(request);
        return logged(
          { act: 'explain', what, resources: touched },
          caller,
          () => serving.explain(request, caller),
          () => 1,
        );
      },
      featureLog: (service, query, caller) =>
        logged(
          ofTarget('served', { service }),
          caller,
          () => serving.featureLog(service, query, caller),
          (rows) => rows?.length ?? null,
        ),
      skew: (request, caller) =>
        logged(
          ofTarget('skew', { service: request.service }),
          caller,
          () => serving.skew(request, caller),
          () => null,
        ),
    },
    datasets: {
      ...datasets,
      start(request, caller) {
        const { spine, target } = request;
        const of = ofTarget('dataset', readTargetOf(target));
        const events = 'events' in spine ? resources.one('source', spine.events.source) : [];
        return logged(
          { ...of, resources: [...of.resources, ...events] },
          caller,
          // The statement of a spine is an access of its own.
          () => datasets.start(request, caller, query),
          () => ('rows' in spine ? spine.rows.length : null),
        );
      },
      async rerun(reference, request, caller) {
        const { views, spine } = (await datasets.manifest(reference, caller)).recipe;
        const touched = [
          ...views.flatMap(({ view }) => resources.one('feature-view', view)),
          ...(spine.kind === 'events' ? resources.one('source', spine.source) : []),
        ];
        return logged(
          { act: 'dataset', what: [datasetStream(reference)], resources: touched },
          caller,
          () => datasets.rerun(reference, request, caller, query),
          () => (spine.kind === 'rows' ? spine.rows : null),
        );
      },
      batch: (request, caller) =>
        logged(
          ofTarget('batch', readTargetOf(request.target)),
          caller,
          () => datasets.batch(request, caller),
          (result) => result?.rows ?? null,
        ),
    },
    sql: { ...sql, query },
    tables: {
      ...tables,
      load(table, snapshots, caller) {
        const definition = definitionOfTable(table);
        const touched = definition === null ? [] : resources.one(definition.kind, definition.name);
        const what = [`${table.namespace}.${table.name}`];
        return logged(
          { act: 'table', what, resources: touched },
          caller,
          () => tables.load(table, snapshots, caller),
          () => null,
        );
      },
    },
    publishing: {
      ...publishing,
      async exportEvents(name, caller) {
        const what = {
          act: 'export',
          what: [`source/${name}`],
          resources: resources.one('source', name),
        } as const;
        const write = drawn(what, caller);
        if (write === null) return publishing.exportEvents(name, caller);
        try {
          return counted(await publishing.exportEvents(name, caller), write);
        } catch (error) {
          write(null, codeOf(error));
          throw error;
        }
      },
    },
  };
};
