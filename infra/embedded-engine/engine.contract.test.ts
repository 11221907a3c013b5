/** The engines' contract over the embedded engine, in the SQLite log's transactions. */
import { join } from 'node:path';
import { expect } from 'vitest';
import { createRawDecoders } from '#domain/sources/raw-decoders.ts';
import { sqliteSchemaRegistry } from '#infra/sqlite/schema-registry.ts';
import { engineContract } from '#tests/contracts/engine.contract.ts';
import { openLog, temporaryDirectory } from '#tests/contracts/sqlite.ts';
import { embeddedEngine } from './engine.ts';
import { openSnapshots } from './snapshots.ts';

const PLATFORM = '5e0b6b0e-6e8c-4b52-9a2e-3d1f0c7a9b11';

engineContract(
  'embedded',
  async () => {
    const directory = temporaryDirectory();
    let open = openLog(directory.path);
    return {
      log: () => open.log,
      schemas: () => sqliteSchemaRegistry(open.database),
      async start(events, { source }) {
        const schemas = sqliteSchemaRegistry(open.database);
        const decoders = createRawDecoders(schemas);
        await decoders.learn(source);
        return embeddedEngine({
          ...events,
          log: open.log,
          schemas,
          decoders,
          now: Date.now,
          snapshots: openSnapshots({
            directory: join(directory.path, 'state'),
            platform: PLATFORM,
            warn: (message) => expect.unreachable(message),
          }),
          warn: () => {},
        });
      },
      async crash() {
        await open.close();
        open = openLog(directory.path);
      },
      async close() {
        await open.close();
        directory.remove();
      },
    };
  },
  { reportsFailures: true, foldsFirstFill: false, deadlineMs: 20_000 },
);
