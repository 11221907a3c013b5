/**
 * Which records of a fetch belong to aborted transactions.
 *
 * kafkajs 2.2.4 gets this wrong where transactions interleave: it takes the broker's list of
 * aborted transactions to be in the order of their first offsets (it is in the order of their
 * ends), and takes at most one off it for each record. Records of an aborted transaction then come
 * out as if they were committed. So every fetch in this process, ours and kafkajs's own consumers',
 * is answered with the records of aborted transactions already marked as what no reader is shown.
 */
export interface AbortedTransaction {
  readonly producerId: string;
  readonly firstOffset: string;
}

export interface FetchedRecord {
  readonly offset: string;
  readonly key: Buffer | null;
  isControlRecord: boolean;
  readonly batchContext: { readonly producerId: string; readonly inTransaction: boolean };
}

export interface FetchedRecords {
  abortedTransactions: readonly AbortedTransaction[];
  readonly messages: readonly FetchedRecord[];
}

/** version 0, type 0 */
const isAbortMarker = ({ isControlRecord, key }: FetchedRecord): boolean =>
  isControlRecord && key !== null && key.length >= 4 && key.readInt16BE(2) === 0;

/** They stay in the list, so that the reader's next offset is past them. */
export const hideAborted = (fetched: FetchedRecords): void => {
  const begins = [...(fetched.abortedTransactions ?? [])].sort(
    (a, b) => Number(a.firstOffset) - Number(b.firstOffset),
  );
  fetched.abortedTransactions = [];
  if (begins.length === 0) return;
  const aborted = new Set<string>();
  let next = 0;
  for (const message of fetched.messages) {
    const { producerId, inTransaction } = message.batchContext;
    for (
      let begun = begins[next];
      begun !== undefined && Number(begun.firstOffset) <= Number(message.offset);
      begun = begins[next]
    ) {
      aborted.add(begun.producerId);
      next++;
    }
    if (isAbortMarker(message)) aborted.delete(producerId);
    else if (inTransaction && aborted.has(producerId)) message.isControlRecord = true;
  }
};
