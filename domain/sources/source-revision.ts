/** Which changes of a source keep its old records readable and its readers working. */
import type { SourceDefinition } from '#domain/definitions/model.ts';
import { parseDuration } from '#domain/values/duration.ts';
import { formatFieldType, widens } from '#domain/values/field-type.ts';
import type { FieldType } from '#domain/values/value.ts';
import { sourceFields } from './source-schema.ts';

interface SourceChange {
  /** `fields.delay`, `eventTime` … */
  readonly path: string;
  readonly before: unknown;
  readonly after: unknown;
  readonly compatible: boolean;
  /** not compatible, and not to be forced: records that are stored could not be read any more */
  readonly final: boolean;
  readonly note: string;
}

function fieldChange(
  before: FieldType,
  after: FieldType,
): Pick<SourceChange, 'compatible' | 'final' | 'note'> {
  const widened = before.base !== after.base && widens(before.base, after.base) && !before.array;
  if (before.array !== after.array || (before.base !== after.base && !widened)) {
    return {
      compatible: false,
      final: true,
      note: `${formatFieldType(before)} cannot become ${formatFieldType(after)} without loss: add a field with another name`,
    };
  }
  if (before.nullable && !after.nullable)
    return {
      compatible: false,
      final: true,
      note: 'records with null are there already: keep it nullable',
    };
  return {
    compatible: true,
    final: false,
    note: widened ? 'widened: old values are read in the new type' : 'may be null from now on',
  };
}

const keptFor = ({ keepHistory }: SourceDefinition): number =>
  keepHistory === undefined ? Number.POSITIVE_INFINITY : parseDuration(keepHistory);

/** Every change, fields first. */
export function sourceRevision(
  before: SourceDefinition,
  after: SourceDefinition,
): readonly SourceChange[] {
  const changes: SourceChange[] = [];
  const [old, now] = [sourceFields(before), sourceFields(after)];
  for (const [name, type] of Object.entries(old)) {
    const next = Object.hasOwn(now, name) ? now[name] : undefined;
    const change = {
      path: `fields.${name}`,
      before: formatFieldType(type),
      after: next ? formatFieldType(next) : null,
    };
    if (next === undefined)
      changes.push({
        ...change,
        compatible: false,
        final: false,
        note: 'views and data sets may read it: keep it, or name a new source',
      });
    else if (change.before !== change.after)
      changes.push({ ...change, ...fieldChange(type, next) });
  }
  for (const [name, type] of Object.entries(now)) {
    if (Object.hasOwn(old, name)) continue;
    const note = type.nullable
      ? 'null in older records'
      : 'older records do not have it: declare it nullable with "?"';
    changes.push({
      path: `fields.${name}`,
      before: null,
      after: formatFieldType(type),
      compatible: type.nullable,
      final: !type.nullable,
      note,
    });
  }
  if (before.eventTime !== after.eventTime) {
    const note = 'the event time decides every value: name a new source';
    changes.push({
      path: 'eventTime',
      before: before.eventTime,
      after: after.eventTime,
      compatible: false,
      final: true,
      note,
    });
  }
  if (before.eventId !== after.eventId) {
    const note = 'events are told apart by it from now on';
    changes.push({
      path: 'eventId',
      before: before.eventId ?? null,
      after: after.eventId ?? null,
      compatible: true,
      final: false,
      note,
    });
  }
  if (before.knownTime !== after.knownTime) {
    // Events with a value in the field would become imported ones, or stop being such.
    const added = before.knownTime === undefined && after.knownTime !== undefined;
    const compatible = added && !Object.hasOwn(old, after.knownTime);
    const note = compatible
      ? 'events can be imported from now on; older ones are live events'
      : added
        ? `older events may have values in ${after.knownTime}: add a new field for the known time`
        : 'it tells imported events from live ones: keep it';
    changes.push({
      path: 'knownTime',
      before: before.knownTime ?? null,
      after: after.knownTime ?? null,
      compatible,
      final: !compatible,
      note,
    });
  }
  if (before.dedupeWindow !== after.dedupeWindow) {
    const note = 'holds for events from now on';
    changes.push({
      path: 'dedupeWindow',
      before: before.dedupeWindow ?? null,
      after: after.dedupeWindow ?? null,
      compatible: true,
      final: false,
      note,
    });
  }
  if (before.keepHistory !== after.keepHistory) {
    const compatible = keptFor(after) >= keptFor(before);
    changes.push({
      path: 'keepHistory',
      before: before.keepHistory ?? null,
      after: after.keepHistory ?? null,
      compatible,
      final: false,
      note: compatible
        ? 'events that were deleted do not come back'
        : `events older than ${after.keepHistory} are deleted for good, and reads that need them are refused`,
    });
  }
  const [routed, reroutes] = [
    before.partitionBy?.join(', ') ?? null,
    after.partitionBy?.join(', ') ?? null,
  ];
  if (routed !== reroutes) {
    const note = 'events from now on may go to other partitions than those before';
    changes.push({
      path: 'partitionBy',
      before: routed,
      after: reroutes,
      compatible: true,
      final: false,
      note,
    });
  }
  for (const part of ['key', 'deleted'] as const) {
    const [old, now] = [before.dimension?.[part] ?? null, after.dimension?.[part] ?? null];
    if (String(old) !== String(now))
      changes.push({
        path: `dimension.${part}`,
        before: old,
        after: now,
        compatible: false,
        final: true,
        note: 'it decides every value of the views over the source: name a new source',
      });
  }
  if (before.changes !== after.changes)
    changes.push({
      path: 'changes',
      before: before.changes ?? null,
      after: after.changes ?? null,
      compatible: true,
      final: false,
      note: 'events are read in this format from now on',
    });
  const [fewer, more] = [before.partitions ?? 1, after.partitions ?? 1];
  if (fewer !== more) {
    const note =
      more > fewer
        ? 'more partitions'
        : 'a log never loses partitions: keep the number, or raise it';
    changes.push({
      path: 'partitions',
      before: fewer,
      after: more,
      compatible: more > fewer,
      final: false,
      note,
    });
  }
  return changes;
}
