/**
 * Key lookups on Paimon's tables of tiles, through the lookup server. The floats of an answer are
 * views on the received bytes. The next request after a lost connection connects again; a server
 * that does not answer is MR_STORE_UNAVAILABLE.
 */
import { fail } from '#domain/errors.ts';
import type { Scalar } from '#domain/values/value.ts';
import { openConnection, refuse } from './lookup-connection.ts';
import {
  CODE_HANDLE_UNKNOWN,
  CODE_NOT_FOUND,
  HEAD,
  type HopColumns,
  type KeyWriter,
  KINDS,
  keyWriter,
  type LookupAnswer,
  readAnswer,
  readOpened,
  readText,
  type TableDescription,
  type TileRange,
  type Writer,
  writeOpen,
} from './lookup-protocol.ts';

export type {
  FoundTiles,
  HopColumns,
  LookupAnswer,
  TableDescription,
  TileRange,
} from './lookup-protocol.ts';
export { META, META_WIDTH } from './lookup-protocol.ts';

const DEFAULT_DEADLINE_MS = 5000;

export interface LookupOptions {
  readonly host: string;
  readonly port: number;
  readonly deadlineMs?: number;
}

/** Which snapshot to read: by id, or the newest one committed at or before a time (epoch ms). */
export type PastPoint = { readonly snapshot: number } | { readonly time: number };

export interface LookupRequest {
  /** each entity's key values, in the order of `description.keys` */
  readonly entities: readonly (readonly Scalar[])[];
  /**
   * the tile starts wanted of each hop that the table was opened with, inclusive; from > to: none
   */
  readonly ranges: readonly TileRange[];
  /** default: the current snapshot */
  readonly at?: PastPoint;
  readonly deadlineMs?: number;
}

export interface LookupTable {
  readonly name: string;
  readonly description: TableDescription;
  /** the table's snapshot when it was opened */
  readonly snapshotId: number;
  readonly commitTime: number;
  /**
   * All entities at one snapshot.
   * @throws MillraceError MR_NOT_FOUND where the table, or the requested snapshot, no longer
   * exists
   */
  readonly lookup: (request: LookupRequest) => Promise<LookupAnswer>;
}

export interface LookupStatus {
  readonly tables: readonly {
    readonly table: string;
    readonly snapshot: number;
    readonly commitTime: number;
    readonly buckets: number;
    readonly cachedEntities: number;
    readonly cachedTiles: number;
  }[];
  readonly requests: number;
  readonly warmRequests: number;
  /** keys looked up in Paimon's files */
  readonly coldLookups: number;
  readonly tiles: number;
  /** since the last status request */
  readonly requestsPerSecond: number;
  readonly p50Micros: number;
  readonly p99Micros: number;
  readonly cachedBytes: number;
  readonly heapBytes: number;
}

export interface LookupClient {
  /** null where there is no such table (yet) */
  readonly open: (table: string, hops: readonly HopColumns[]) => Promise<LookupTable | null>;
  readonly status: () => Promise<LookupStatus>;
  readonly close: () => Promise<void>;
}

const writeRequest = (
  w: Writer,
  handle: number,
  { entities, ranges, at }: LookupRequest,
  keys: readonly KeyWriter[],
): void => {
  w.u32(handle);
  w.u32(entities.length);
  if (at !== undefined) {
    w.u32('snapshot' in at ? 0 : 1);
    w.u32(0);
    w.f64('snapshot' in at ? at.snapshot : at.time);
  }
  for (const { from, to } of ranges) {
    w.f64(from);
    w.f64(to);
  }
  for (const entity of entities)
    for (let i = 0; i < keys.length; i++) (keys[i] as KeyWriter)(w, entity[i] as Scalar);
};

/** Connects at the first request. */
export const connectLookup = ({
  host,
  port,
  deadlineMs = DEFAULT_DEADLINE_MS,
}: LookupOptions): LookupClient => {
  const connection = openConnection({ host, port, deadlineMs });

  const openHandle = async (table: string, hops: readonly HopColumns[]) => {
    const { code, body } = await connection.call(KINDS.open, (w) => writeOpen(w, table, hops));
    if (code === CODE_NOT_FOUND) return null;
    if (code !== 0) return refuse(code, body);
    return { ...readOpened(body), epoch: connection.epoch() };
  };

  return {
    async open(table, hops) {
      const first = await openHandle(table, hops);
      if (first === null) return null;
      const { description, snapshotId, commitTime } = first;
      const keys = description.keys.map(({ type }) => keyWriter(type));
      let opened: Promise<Awaited<ReturnType<typeof openHandle>>> = Promise.resolve(first);
      let known = first.epoch;

      /**
       * The handle on this connection. Requests that find it lost open the table once, together.
       */
      const handleNow = async (): Promise<number> => {
        if (known !== connection.epoch()) {
          known = connection.epoch();
          opened = openHandle(table, hops);
          opened.then(
            (again) => {
              if (again !== null) known = again.epoch;
            },
            () => {
              known = -1;
            },
          );
        }
        const now = await opened;
        return (
          now?.handle ??
          fail('MR_NOT_FOUND', `there is no table ${table} in Paimon any more`, { table })
        );
      };

      const lookup = async (request: LookupRequest, again: boolean): Promise<LookupAnswer> => {
        if (request.ranges.length !== hops.length)
          fail(
            'MR_REQUEST_INVALID',
            `${table} was opened with ${hops.length} hops: give as many ranges`,
          );
        const handle = await handleNow();
        const { code, body } = await connection.call(
          request.at === undefined ? KINDS.lookup : KINDS.lookupAt,
          (w) => writeRequest(w, handle, request, keys),
          request.deadlineMs,
        );
        if (code === 0) return readAnswer(body, hops);
        if (code !== CODE_HANDLE_UNKNOWN || again) return refuse(code, body);
        known = -1;
        return lookup(request, true);
      };

      return {
        name: table,
        description,
        snapshotId,
        commitTime,
        lookup: (request) => lookup(request, false),
      };
    },

    async status() {
      const { code, body } = await connection.call(KINDS.status, () => {});
      return code === 0 ? (JSON.parse(readText(body, HEAD)) as LookupStatus) : refuse(code, body);
    },

    close: connection.close,
  };
};
