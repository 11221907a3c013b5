/**
 * Selects the batches of a fetch whose records a reader sees: neither control batches nor batches
 * of aborted transactions.
 *
 * The broker lists the aborted transactions of a fetch in the order of their ends; a transaction
 * ends with a marker, and one producer may have aborted several of them in one fetch. So a
 * transaction counts as aborted from its first offset until its producer's next abort marker, and
 * its records are hidden even if the fetch ends before the marker. The consumer of
 * @platformatic/kafka 2.12.1 keeps one range per producer, and shows the records of a range without
 * a marker.
 */
import { IS_CONTROL, IS_TRANSACTIONAL, type RecordsBatch } from '@platformatic/kafka';

export interface AbortedTransaction {
  readonly producerId: bigint;
  readonly firstOffset: bigint;
}

export type Batch = Pick<
  RecordsBatch,
  'firstOffset' | 'lastOffsetDelta' | 'attributes' | 'producerId'
> & { readonly records: readonly { readonly key: Buffer | null }[] };

/** The marker's key: version in two bytes, type in two; type 0 aborts. */
const isAbortMarker = ({ records }: Batch): boolean => {
  const key = records[0]?.key;
  return key !== undefined && key !== null && key.length >= 4 && key.readInt16BE(2) === 0;
};

const compare = (a: AbortedTransaction, b: AbortedTransaction): number =>
  a.firstOffset < b.firstOffset ? -1 : a.firstOffset > b.firstOffset ? 1 : 0;

export const visibleBatches = <B extends Batch>(
  batches: readonly B[],
  aborted: readonly AbortedTransaction[],
): readonly B[] => {
  const begins = [...aborted].sort(compare);
  const open = new Set<bigint>();
  let next = 0;
  return batches.filter((batch) => {
    const last = batch.firstOffset + BigInt(batch.lastOffsetDelta);
    for (let one = begins[next]; one !== undefined && one.firstOffset <= last; one = begins[next]) {
      open.add(one.producerId);
      next++;
    }
    if ((batch.attributes & IS_CONTROL) !== 0) {
      if (isAbortMarker(batch)) open.delete(batch.producerId);
      return false;
    }
    return (batch.attributes & IS_TRANSACTIONAL) === 0 || !open.has(batch.producerId);
  });
};
