/** The thread that counts what an erasure would remove, and changes nothing. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import type { FoundIn } from '#domain/erasure/erasure.ts';
import type { EntityTexts } from '#domain/erasure/scope.ts';
import { fileUri } from '#infra/files/file-uri.ts';
import { localFiles } from '#infra/files/local-files.ts';
import { tablesBelow } from '#infra/iceberg/belongs.ts';
import { selectRows } from '#infra/iceberg/erase-rows.ts';
import { openDuckDb } from '#infra/shared/duckdb/connect.ts';
import { openForReading } from '#infra/sqlite/database.ts';
import { findRecords } from '#infra/sqlite/erase-log.ts';
import { dataSetsWith } from './erase-data-sets.ts';
import { type EntityIn, entityIn } from './erase-scope.ts';

const { dataDirectory, entity: texts } = workerData as {
  readonly dataDirectory: string;
  readonly entity: EntityTexts;
};

const inFiles = async ({ scope }: EntityIn): Promise<readonly FoundIn[]> => {
  const history = join(dataDirectory, 'history');
  const duckDb = await openDuckDb({ memoryLimit: '256MB' });
  const connection = await duckDb.connect();
  try {
    const found: FoundIn[] = [];
    const root = { files: localFiles(), uri: fileUri(history) };
    for (const topic of existsSync(history) ? await tablesBelow(root) : []) {
      const matches = scope.matches.get(topic);
      if (matches === undefined) continue;
      const rows = await selectRows({ root, topic, matches, connection }, '_offset');
      found.push({ where: `history of ${topic}`, count: rows.length });
    }
    const dataSets = await dataSetsWith(connection, join(dataDirectory, 'datasets'), scope);
    return [...found, { where: 'data sets', count: dataSets.length }];
  } finally {
    connection.closeSync();
    duckDb.close();
  }
};

const db = openForReading(join(dataDirectory, 'millrace.db'));
try {
  const entity = entityIn(db, texts);
  const records = new Map<string, number>();
  for (const { record } of findRecords(db, entity.testOf))
    records.set(record.topic, (records.get(record.topic) ?? 0) + 1);
  const all = [
    ...[...records].map(([topic, count]): FoundIn => ({ where: `log of ${topic}`, count })),
    ...(await inFiles(entity)),
  ];
  parentPort?.postMessage(all.filter(({ count }) => count > 0));
} finally {
  db.close();
}
