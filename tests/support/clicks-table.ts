/** A table of the history as the embedded profile wrote it; the platform is closed. */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { source } from 'millrace';
import type { Directory } from '#domain/ports/file-io.ts';
import { fileUri } from '#infra/files/file-uri.ts';
import { localFiles } from '#infra/files/local-files.ts';
import type { EmbeddedParts } from '#infra/profiles/embedded.ts';
import {
  loadTable,
  type TableVersion,
  tableDirectory,
} from '#infra/shared/iceberg/table-directory.ts';
import { caller, plain, type TestPlatform, testPlatform } from './platform.ts';

const clicks = source({
  name: 'clicks',
  fields: { user: 'string', at: 'timestamp' },
  eventTime: 'at',
});

export const CLICKS = 'raw.clicks';

export interface Click {
  readonly user: string;
  readonly at: number;
}

export interface ClicksTable extends Pick<TestPlatform, 'directory' | 'restart' | 'dispose'> {
  readonly root: Directory;
  readonly table: Directory;
  readonly loaded: () => Promise<TableVersion>;
}

/** @param commits the events of each of its snapshots */
export const clicksTable = async (
  ...commits: readonly (readonly Click[])[]
): Promise<ClicksTable> => {
  let parts: EmbeddedParts | undefined;
  const on = await testPlatform({
    onParts: (opened) => {
      parts = opened;
    },
  });
  await on.platform.registry.apply(plain(clicks), {}, caller);
  for (const events of commits) {
    await on.platform.publishing.publish({ source: 'clicks', events }, caller);
    await parts?.history.sync(CLICKS);
    await sleep(5);
  }
  await on.platform.close();
  const root = { files: localFiles(), uri: fileUri(join(on.directory, 'history')) };
  const table = tableDirectory(root, CLICKS);
  const loaded = async (): Promise<TableVersion> => (await loadTable(table)) as TableVersion;
  const { directory, restart, dispose } = on;
  return { directory, restart, dispose, root, table, loaded };
};
