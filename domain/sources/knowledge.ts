/**
 * Which events were known at a time: one rule for past reads, explanations and `as-served`
 * training sets.
 *
 * An event is known from its log time on. An imported event, which comes from before this log, has
 * a known time of its own. It is also known from that time on, at every time T before the log time
 * of the topic's first live event. From then on the log itself has answered, so an import never
 * changes what was known after that.
 *
 * An event is imported exactly if the source's `knownTime` field is not null: only an import may
 * set it.
 */
import type { SourceDefinition } from '#domain/definitions/model.ts';
import type { RawEvent, Row } from '#domain/values/value.ts';

/** Of a source that takes imported events. */
export interface Imports {
  /** the field that holds the known time */
  readonly field: string;
  /** log time of the topic's first live event, epoch ms; null: there is none yet */
  readonly firstLive: number | null;
}

export interface Knowledge {
  /** by partition: the log had accepted events below these offsets */
  readonly below: readonly number[];
  /** imported events whose `field` is at most `until` (epoch ms) are known, too; null: none */
  readonly imported: { readonly field: string; readonly until: number } | null;
}

/** Whether known times count for what was known at a time, epoch ms. */
export const countsKnownTimes = ({ firstLive }: Imports, known: number): boolean =>
  firstLive === null || known < firstLive;

/**
 * @param below what the log had accepted at `known`, epoch ms
 * @param imports null: the source takes no imported events
 */
export const knowledgeAt = (
  known: number,
  below: readonly number[],
  imports: Imports | null,
): Knowledge => ({
  below,
  imported:
    imports !== null && countsKnownTimes(imports, known)
      ? { field: imports.field, until: known }
      : null,
});

/** When an event became known according to its import, epoch ms; null: it is a live event. */
export const knownTimeOf = (
  { knownTime }: Pick<SourceDefinition, 'knownTime'>,
  row: Row,
): number | null =>
  knownTime === undefined ? null : ((row[knownTime] as number | null | undefined) ?? null);

export const isKnown = (
  { below, imported }: Knowledge,
  { row, partition, offset }: Pick<RawEvent, 'row' | 'partition' | 'offset'>,
): boolean => {
  if (offset < (below[partition] ?? 0)) return true;
  if (imported === null) return false;
  const known = row[imported.field] ?? null;
  return known !== null && (known as number) <= imported.until;
};
