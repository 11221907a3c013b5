/**
 * Tables of the history as a catalog of Iceberg serves them: with the text of their metadata, whose
 * numbers of 64 bits JSON.parse would round.
 *
 * Promises (tests/contracts/table-documents.contract.ts has a test for each):
 * - `load` answers the newest version that was committed, and its files stay for as long as the
 *   history keeps a snapshot after a later one (an hour, unless its rows are erased).
 * - Each number of the text has all its digits.
 * - The location is that of a file with the same metadata.
 */

/** `refs`: only those that a branch or a tag names, which is the newest one */
export type WhichSnapshots = 'all' | 'refs';

export interface TableDocument {
  /** of the metadata file, as other engines write locations: not percent-encoded */
  readonly location: string;
  /** JSON */
  readonly metadata: string;
}

export interface TableDocuments {
  readonly exists: (topic: string) => Promise<boolean>;
  /**
   * null: there is no table.
   * @throws MR_REFUSED where the table was moved: its metadata names files in another directory,
   * and an engine would read those, or none
   */
  readonly load: (topic: string, snapshots: WhichSnapshots) => Promise<TableDocument | null>;
}
