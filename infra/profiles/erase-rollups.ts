/** Tables of rollups, as erasures look at them. */
import type { Remains } from '#domain/erasure/certificate.ts';
import type { ErasureScope, Match } from '#domain/erasure/scope.ts';
import type { Directory } from '#domain/ports/file-io.ts';
import { featuresTopic } from '#domain/ports/topics.ts';
import { parseRollupTopic, ROLLUP_PERIODS } from '#domain/rollups/rollup-name.ts';
import { tablesBelow } from '#infra/iceberg/belongs.ts';

/** A name of an earlier release of the stack, which had one table for all versions of a view. */
const EARLIER = new RegExp(`^rollup\\.(.+)_(?:${ROLLUP_PERIODS.join('|')})$`);
const earlierView = (topic: string): string | undefined => EARLIER.exec(topic)?.[1];

/** The views whose values the table can have: `x_v2_day` is of x, or of x_v2 and earlier. */
const viewsOf = (topic: string): readonly string[] =>
  [parseRollupTopic(topic)?.view, earlierView(topic)].filter((view) => view !== undefined);

/** The rows of a table that are the entity's, values by period among them; null: none. */
export const tableMatches =
  ({ matches, views }: ErasureScope): ((topic: string) => readonly Match[] | null) =>
  (topic) => {
    const of = matches.get(topic);
    if (of !== undefined) return of;
    const found = viewsOf(topic)
      .filter((view) => views.includes(view))
      .flatMap((view) => matches.get(featuresTopic(view)) ?? []);
    return found.length === 0 ? null : found;
  };

/** Values by period of others stay as they were written. */
export const rollupsOfOthers = async (
  root: Directory,
  { otherViews }: Pick<ErasureScope, 'otherViews'>,
): Promise<readonly Remains[]> =>
  (await tablesBelow(root)).flatMap((topic) => {
    if (!viewsOf(topic).some((view) => otherViews.has(view))) return [];
    const rollup = parseRollupTopic(topic);
    const remedy =
      rollup === null || !otherViews.has(rollup.view)
        ? 'it is of an earlier release, and is not read any more: delete its directory'
        : `write them again with \`millrace rollup ${rollup.view} --every ${rollup.every} --from … --again\``;
    return {
      what: `values of others in the table ${topic}`,
      why: `they can count events of the entity: ${remedy}`,
    };
  });
