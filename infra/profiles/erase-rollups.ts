/** Tables of rollups, as erasures look at them. */
import type { Remains } from '#domain/erasure/certificate.ts';
import type { ErasureScope, Match } from '#domain/erasure/scope.ts';
import type { Directory } from '#domain/ports/file-io.ts';
import { featuresTopic } from '#domain/ports/topics.ts';
import { parseRollupTopic } from '#domain/rollups/rollup-name.ts';
import { tablesBelow } from '#infra/iceberg/belongs.ts';

/** The rows of a table that are the entity's, values by period among them; null: none. */
export const tableMatches =
  ({ matches, views }: ErasureScope): ((topic: string) => readonly Match[] | null) =>
  (topic) => {
    const of = matches.get(topic);
    if (of !== undefined) return of;
    const view = parseRollupTopic(topic)?.view;
    if (view === undefined || !views.includes(view)) return null;
    return matches.get(featuresTopic(view)) ?? null;
  };

/** Values by period of others stay as they were written. */
export const rollupsOfOthers = async (
  root: Directory,
  { otherViews }: ErasureScope,
): Promise<readonly Remains[]> =>
  (await tablesBelow(root)).flatMap((topic) => {
    const rollup = parseRollupTopic(topic);
    if (rollup === null || !otherViews.has(rollup.view)) return [];
    return {
      what: `values of others in the table ${topic}`,
      why: `they can count events of the entity: write them again with \`millrace rollup ${rollup.view} --every ${rollup.every} --from … --again\``,
    };
  });
