/**
 * The event store of the stack: KurrentDB where MILLRACE_KURRENTDB_URL names one, otherwise MySQL.
 * The audit log is always in MySQL.
 */
import { MillraceError } from '#domain/errors.ts';
import type { AuditStore } from '#domain/ports/audit-store.ts';
import type { EventStore } from '#domain/ports/event-store.ts';
import type { MysqlDatabase } from '#infra/mysql/database.ts';
import { mysqlEventStore } from '#infra/mysql/event-store.ts';

const openStore = async (
  database: MysqlDatabase,
  platform: string,
  url: string,
  warn: (message: string) => void,
): Promise<EventStore> => {
  if (url === '') return mysqlEventStore(database, warn);
  // The client is a native module: it is loaded only where it is used.
  const { kurrentEventStore } = await import('#infra/kurrent/event-store.ts');
  const { kurrentStream } = await import('#infra/kurrent/kurrent-stream.ts');
  return kurrentEventStore(kurrentStream({ url, stream: `millrace-registry-${platform}` }));
};

/**
 * @param platform the name of the MySQL database; a KurrentDB may have the registries of several
 * platforms
 * @throws MR_STORAGE_FAILED where the audit log is longer than the registry, and so belongs to
 * another one
 */
export const openRegistryStore = async (
  database: MysqlDatabase,
  auditStore: AuditStore,
  platform: string,
  {
    url = process.env.MILLRACE_KURRENTDB_URL ?? '',
    warn = () => {},
  }: { readonly url?: string; readonly warn?: (message: string) => void } = {},
): Promise<EventStore> => {
  const store = await openStore(database, platform, url, warn);
  const [audited, commits] = [(await auditStore.head())?.sequence ?? 0, await store.head()];
  if (audited <= commits) return store;
  await store.close();
  throw new MillraceError(
    'MR_STORAGE_FAILED',
    `the audit chain in MySQL's "${platform}" has ${audited} records, and the registry in ${url === '' ? 'MySQL' : 'KurrentDB'} ${commits} commits: it is another registry's. Set MILLRACE_KURRENTDB_URL as it was when this platform was created, or create a platform in a database of its own.`,
    { audited, commits },
  );
};
