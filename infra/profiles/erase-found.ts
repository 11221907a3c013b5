/** What had an entity before it was erased, over all runs of the erasure. */
import type { LoggedAnswer } from '#domain/erasure/certificate.ts';
import type { ErasureRows } from '#infra/sqlite/erased.ts';

export interface Found {
  readonly answers: readonly LoggedAnswer[];
  readonly dataSets: readonly string[];
}

const NOTHING: Found = { answers: [], dataSets: [] };

export const distinct = <T>(all: readonly T[]): readonly T[] => [
  ...new Map(all.map((one) => [JSON.stringify(one), one])).values(),
];

/** Stores what was found with what earlier runs had found. */
export const remember = (
  rows: Pick<ErasureRows, 'stored' | 'store'>,
  erasure: string,
  { started, reason, found }: { started: number; reason: string; found: Found },
): { readonly found: Found; readonly started: number } => {
  const before = rows.stored(erasure);
  const known = before === null ? NOTHING : (JSON.parse(before.found) as Found);
  const all: Found = {
    answers: distinct([...known.answers, ...found.answers]),
    dataSets: distinct([...known.dataSets, ...found.dataSets]),
  };
  rows.store({ erasure, started, reason, found: JSON.stringify(all) });
  return { found: all, started: before?.started ?? started };
};
