/**
 * Partial states in Flink SQL. Aggregate functions that Flink lacks are functions of the Java
 * module (`MR_…`); the shared vectors compare them with the TypeScript aggregations.
 */
import type { PlainSlot } from '#domain/aggregations/forms.ts';
import type { Dialect, LiftInput, PartialPrinter, PartialSql } from '../dialect.ts';

/** An exact double: a bare numeral would be a DECIMAL. */
export const flinkNumber = (x: number): string => `CAST('${x}' AS DOUBLE)`;

const filter = (condition: string | null): string =>
  condition === null ? '' : ` FILTER (WHERE ${condition})`;

const asDouble = (value: string | null): string => `CAST(${value} AS DOUBLE)`;

/** The state is the aggregate's result. */
const single = (call: string, condition: string | null): PartialSql => ({
  aggregates: [`${call}${filter(condition)}`],
  slots: ([state]) => [state as string],
});

const rangeCount = (
  value: string | null,
  from: number | null,
  below: number | null,
  condition: string | null,
): string => {
  const x = asDouble(value);
  const tests = [
    ...(condition === null ? [] : [condition]),
    ...(from === null ? [] : [`${x} >= ${flinkNumber(from)}`]),
    ...(below === null ? [] : [`${x} < ${flinkNumber(below)}`]),
  ];
  return `COUNT(*) FILTER (WHERE ${tests.join(' AND ')})`;
};

const liftSlot = ({ lift }: PlainSlot, { value, condition }: LiftInput): string => {
  // MR_FINITE turns −0 into 0; Flink's planner would drop an added zero.
  if (lift === 'min' || lift === 'max')
    return `${lift.toUpperCase()}(MR_FINITE(${asDouble(value)}))${filter(condition)}`;
  return lift.count === 'inputs'
    ? `COUNT(${value ?? '*'})${filter(condition)}`
    : rangeCount(value, lift.from, lift.below, condition);
};

/** Flink's COUNT over nothing is 0; its MIN and MAX are null. */
const orEmpty = ({ lift, empty }: PlainSlot, column: string): string =>
  lift === 'min' || lift === 'max' ? `COALESCE(${column}, ${flinkNumber(empty)})` : column;

/** An extreme over no tile stays null: only `finalize` sees it, for which it is null either way. */
const orEmptySum = ({ combine }: PlainSlot, column: string): string =>
  combine === 'sum' ? `COALESCE(${column}, CAST(0 AS BIGINT))` : column;

const moments = (call: string, condition: string | null): PartialSql => ({
  aggregates: [`${call}${filter(condition)}`],
  slots: ([s]) => [
    `COALESCE(${s}.n, CAST(0 AS BIGINT))`,
    `COALESCE(${s}.mean, 0e0)`,
    `COALESCE(${s}.m2, 0e0)`,
  ],
});

const ordered = (
  end: 'first' | 'last',
  k: number,
  { condition, partition, offset }: LiftInput,
  value: string | null,
  eventTime: string,
): PartialSql =>
  single(
    `MR_${end.toUpperCase()}(${value}, ${eventTime}, ${partition}, ${offset}, ${k})`,
    condition,
  );

/** The value as the state keeps it. */
const kept = ({ numbers }: { readonly numbers: boolean }, { value }: LiftInput): string | null =>
  numbers ? asDouble(value) : value;

const mergeOrdered = (
  end: 'first' | 'last',
  k: number,
  [entries]: readonly string[],
  condition: string | null,
): PartialSql => single(`MR_MERGE_${end.toUpperCase()}(${entries}, ${k})`, condition);

const mergeCounts = (
  limit: number,
  [counts]: readonly string[],
  condition: string | null,
): PartialSql => single(`MR_MERGE_COUNTS(${counts}, ${limit})`, condition);

type Printers = {
  readonly [K in keyof Dialect['partials']]: Extract<Dialect['partials'][K], PartialPrinter<never>>;
};

export const FLINK_PARTIALS: Printers = {
  plain: {
    lift: ({ slots }, input) => ({
      aggregates: slots.map((slot) => liftSlot(slot, input)),
      slots: (columns) => slots.map((slot, i) => orEmpty(slot, columns[i] as string)),
    }),
    merge: ({ slots }, tiles, condition) => ({
      aggregates: slots.map(
        ({ combine }, i) => `${combine.toUpperCase()}(${tiles[i]})${filter(condition)}`,
      ),
      slots: (columns) => slots.map((slot, i) => orEmptySum(slot, columns[i] as string)),
    }),
  },
  sum: {
    lift: (_, { value, condition }) => ({
      aggregates: [`MR_SUM(${asDouble(value)})${filter(condition)}`],
      slots: ([s]) => [`COALESCE(${s}.hi, 0e0)`, `COALESCE(${s}.lo, 0e0)`],
    }),
    merge: (_, [hi, lo], condition) => ({
      aggregates: [`MR_SUM(${hi})${filter(condition)}`, `SUM(${lo})${filter(condition)}`],
      slots: ([s, rest]) => [
        `COALESCE(${s}.hi, 0e0)`,
        `(COALESCE(${s}.lo, 0e0) + COALESCE(${rest}, 0e0))`,
      ],
    }),
  },
  moments: {
    lift: (_, { value, condition }) => moments(`MR_MOMENTS(${asDouble(value)})`, condition),
    merge: (_, [n, mean, m2], condition) =>
      moments(`MR_MERGE_MOMENTS(${n}, ${mean}, ${m2})`, condition),
  },
  textExtreme: {
    lift: ({ end }, { value, condition }) =>
      single(`MR_${end.toUpperCase()}_TEXT(${value})`, condition),
    merge: ({ end }, [text], condition) =>
      single(`MR_${end.toUpperCase()}_TEXT(${text})`, condition),
  },
  ordered: {
    lift: (form, input) => ordered(form.end, form.k, input, kept(form, input), input.eventTime),
    merge: ({ end, k }, slots, condition) => mergeOrdered(end, k, slots, condition),
  },
  counts: {
    lift: (form, input) =>
      single(`MR_COUNTS(${kept(form, input)}, ${form.limit})`, input.condition),
    merge: ({ limit }, slots, condition) => mergeCounts(limit, slots, condition),
  },
  sample: {
    lift: (form, input) =>
      ordered(
        'first',
        form.capacity,
        input,
        kept(form, input),
        `MR_PLACE_HASH(${input.partition}, ${input.offset})`,
      ),
    merge: ({ capacity }, slots, condition) => mergeOrdered('first', capacity, slots, condition),
  },
  buckets: {
    lift: ({ lnGamma, limit }, { value, condition }) =>
      single(
        `MR_COUNTS(MR_DD_BUCKET(${asDouble(value)}, ${flinkNumber(lnGamma)}), ${limit})`,
        condition,
      ),
    merge: ({ limit }, slots, condition) => mergeCounts(limit, slots, condition),
  },
  registers: {
    lift: ({ precision }, { value, condition }) =>
      single(`MR_HLL(${value}, ${precision})`, condition),
    merge: ({ precision }, [registers], condition) =>
      single(`MR_MERGE_HLL(${registers}, ${precision})`, condition),
  },
};
