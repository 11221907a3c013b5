/** Publishes a file as a complete snapshot of a dimension, in one request. */
import type { SnapshotResult } from '#domain/api/publishing.ts';
import type { SourceDefinition } from '#domain/definitions/model.ts';
import { fail } from '#domain/errors.ts';
import { parseExactJson } from '#domain/values/exact-json.ts';
import { formatTime } from '#domain/values/time.ts';
import { type Client, path, query } from '../client.ts';
import { type BadLine, type Batch, bodyText } from './batch.ts';

export interface SnapshotOptions {
  readonly time: string;
  readonly force: boolean;
  readonly reason: string | undefined;
}

/** The columns that a file may have: the snapshot gives the time, and its rows are not deleted. */
export const snapshotFields = ({
  fields,
  eventTime,
  dimension,
}: SourceDefinition): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(fields).filter(([field]) => field !== eventTime && field !== dimension?.deleted),
  );

/** A row that cannot be read may be any row, so none could be called gone. */
export const refuseLine = ({ line, message }: BadLine): never =>
  fail('MR_SNAPSHOT_INVALID', `line ${line} ${message}; nothing of the snapshot was published`, {
    line,
  });

async function* lines(batches: AsyncIterable<Batch>): AsyncGenerator<string> {
  for await (const batch of batches) {
    const { events } = parseExactJson(bodyText(batch)) as { readonly events: readonly unknown[] };
    yield `${events.map((event) => JSON.stringify(event)).join('\n')}\n`;
  }
}

export const sendSnapshot = (
  client: Client,
  source: string,
  batches: AsyncIterable<Batch>,
  { time, force, reason }: SnapshotOptions,
): Promise<SnapshotResult> =>
  client.post<SnapshotResult>(
    `${path('v1', 'sources', source, 'snapshots')}${query({
      time,
      ...(force && { force: 'true' }),
      reason,
    })}`,
    { chunks: lines(batches), headers: { 'content-type': 'application/x-ndjson' } },
  );

export const snapshotText = (result: SnapshotResult): string =>
  `snapshot at ${formatTime(result.time)}: ${result.added} new, ${result.changed} changed, ${result.unchanged} unchanged, ${result.gone} gone`;
