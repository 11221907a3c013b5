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

type Verdict = Pick<SourceChange, 'compatible' | 'final' | 'note'>;

const fine = (note: string): Verdict => ({ compatible: true, final: false, note });
/** Refused, unless it is forced. */
const breaking = (note: string): Verdict => ({ compatible: false, final: false, note });
const impossible = (note: string): Verdict => ({ compatible: false, final: true, note });

function fieldChange(before: FieldType, after: FieldType): Verdict {
  const widened = before.base !== after.base && widens(before.base, after.base) && !before.array;
  if (before.array !== after.array || (before.base !== after.base && !widened))
    return impossible(
      `${formatFieldType(before)} cannot become ${formatFieldType(after)} without loss: add a field with another name`,
    );
  if (before.nullable && !after.nullable)
    return impossible('records with null are there already: keep it nullable');
  return fine(widened ? 'widened: old values are read in the new type' : 'may be null from now on');
}

const keptFor = ({ keepHistory }: SourceDefinition): number =>
  keepHistory === undefined ? Number.POSITIVE_INFINITY : parseDuration(keepHistory);

const fieldChanges = (
  before: SourceDefinition,
  after: SourceDefinition,
): readonly SourceChange[] => {
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
        ...breaking('views and data sets may read it: keep it, or name a new source'),
      });
    else if (change.before !== change.after)
      changes.push({ ...change, ...fieldChange(type, next) });
  }
  for (const [name, type] of Object.entries(now)) {
    if (Object.hasOwn(old, name)) continue;
    const verdict = type.nullable
      ? fine('null in older records')
      : impossible('older records do not have it: declare it nullable with "?"');
    changes.push({
      path: `fields.${name}`,
      before: null,
      after: formatFieldType(type),
      ...verdict,
    });
  }
  return changes;
};

/** Events with a value in the field would become imported ones, or stop being such. */
const knownTimeChange = (before: SourceDefinition, after: SourceDefinition): Verdict => {
  const { knownTime } = after;
  if (before.knownTime !== undefined || knownTime === undefined)
    return impossible('it tells imported events from live ones: keep it');
  return Object.hasOwn(sourceFields(before), knownTime)
    ? impossible(`older events may have values in ${knownTime}: add a new field for the known time`)
    : fine('events can be imported from now on; older ones are live events');
};

const keepHistoryChange = (before: SourceDefinition, after: SourceDefinition): Verdict =>
  keptFor(after) >= keptFor(before)
    ? fine('events that were deleted do not come back')
    : breaking(
        `events older than ${after.keepHistory} are deleted for good, and reads that need them are refused`,
      );

/** Every change, fields first. */
export function sourceRevision(
  before: SourceDefinition,
  after: SourceDefinition,
): readonly SourceChange[] {
  const changes: SourceChange[] = [...fieldChanges(before, after)];
  const compare = (
    path: string,
    of: (source: SourceDefinition) => unknown,
    verdict: () => Verdict,
  ): void => {
    const [old, now] = [of(before) ?? null, of(after) ?? null];
    if (JSON.stringify(old) !== JSON.stringify(now))
      changes.push({ path, before: old, after: now, ...verdict() });
  };
  compare(
    'eventTime',
    (one) => one.eventTime,
    () => impossible('the event time decides every value: name a new source'),
  );
  compare(
    'eventId',
    (one) => one.eventId,
    () => fine('events are told apart by it from now on'),
  );
  compare(
    'knownTime',
    (one) => one.knownTime,
    () => knownTimeChange(before, after),
  );
  compare(
    'dedupeWindow',
    (one) => one.dedupeWindow,
    () => fine('holds for events from now on'),
  );
  compare(
    'keepHistory',
    (one) => one.keepHistory,
    () => keepHistoryChange(before, after),
  );
  compare(
    'partitionBy',
    (one) => one.partitionBy?.join(', '),
    () => fine('events from now on may go to other partitions than those before'),
  );
  for (const part of ['key', 'deleted'] as const)
    compare(
      `dimension.${part}`,
      (one) => one.dimension?.[part],
      () => impossible('it decides every value of the views over the source: name a new source'),
    );
  compare(
    'changes',
    (one) => one.changes,
    () => fine('events are read in this format from now on'),
  );
  const partitionsOf = (one: SourceDefinition): number => one.partitions ?? 1;
  compare('partitions', partitionsOf, () =>
    partitionsOf(after) > partitionsOf(before)
      ? fine('more partitions')
      : breaking('a log never loses partitions: keep the number, or raise it'),
  );
  return changes;
}
