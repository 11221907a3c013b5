/**
 * The durable tier: Paimon's tables of tiles, by key, through the lookup server. A table's snapshot
 * is a checkpoint of the job that writes it, so all tiles of an answer are of one moment. A row of
 * its own for each entity says that the entity exists, and where its newest tile is.
 */

import { ENTITY_ROW_HOP, slotColumns } from '#domain/encoding/features-schema.ts';
import { NO_TILES, type PackedEntity, type PackedTiles } from '#domain/encoding/packed-entity.ts';
import { packedRefs } from '#domain/encoding/packed-refs.ts';
import { decodeKey } from '#domain/plan/entity-key.ts';
import type { HopGroup, ViewPlan } from '#domain/plan/plan.ts';
import {
  type OnlineStore,
  type TilesAnswer,
  type TilesTarget,
  UNKNOWN,
} from '#domain/ports/online-store.ts';
import {
  type FoundTiles,
  type HopColumns,
  type LookupClient,
  type LookupTable,
  META,
  type TileRange,
} from './lookup-client.ts';

/** offset in features.<view> of the update that wrote the tile */
const OFFSET_COLUMN = 'mr_offset';
const NONE: TileRange = { from: 1, to: 0 };
const ONE: TileRange = { from: 0, to: 0 };

const breadth = ({ hopMs }: HopGroup): number => (hopMs === 0 ? Number.POSITIVE_INFINITY : hopMs);

const columnsOf = (plan: ViewPlan): readonly HopColumns[] => [
  ...plan.hops.map(({ hopMs }, hop) => {
    const { nums, refs } = slotColumns(plan, hop);
    return {
      hopMs,
      nums: [...nums.map((c) => c.name), OFFSET_COLUMN],
      refs: refs.map((c) => c.name),
    };
  }),
  { hopMs: ENTITY_ROW_HOP, nums: [], refs: [] },
];

/** The tiles that a read at `at` needs; the only one where the window is all time. */
const rangeOf = ({ hopMs, reachMs }: HopGroup, at: number): TileRange =>
  hopMs === 0
    ? ONE
    : { from: Math.floor((at - reachMs) / hopMs) * hopMs, to: Math.floor(at / hopMs) * hopMs };

const pack = (hop: HopGroup, found: FoundTiles): PackedTiles => {
  const { count, width, data } = found;
  if (count === 0) return NO_TILES;
  const [tileNo, newest, causePartition, causeOffset, updateOffset] = Array.from(
    { length: 5 },
    () => new Float64Array(count),
  ) as [Float64Array, Float64Array, Float64Array, Float64Array, Float64Array];
  const nums = new Float64Array(count * hop.nums);
  const slots = width - hop.nums - 1;
  for (let i = 0; i < count; i++) {
    const base = i * width;
    tileNo[i] = hop.hopMs === 0 ? 0 : (data[base + META.tileStart] as number) / hop.hopMs;
    newest[i] = data[base + META.newestEventTime] as number;
    causePartition[i] = data[base + META.causePartition] as number;
    causeOffset[i] = data[base + META.causeOffset] as number;
    updateOffset[i] = data[base + width - 1] as number;
    for (let n = 0; n < hop.nums; n++) nums[i * hop.nums + n] = data[base + slots + n] as number;
  }
  const packed = packedRefs(hop);
  const fixed = new Float64Array(count * packed.width);
  const refs = Array.from({ length: count }, (_, i) =>
    hop.refs === 0 ? [] : packed.pack(found.refs(i), fixed, i),
  );
  return { tileNo, newest, causePartition, causeOffset, nums, fixed, refs, updateOffset };
};

/** @param tableOf the name of a generation's table, as the job that writes it has it */
export const paimonStore = (
  client: LookupClient,
  tableOf: (view: string, generation: number) => string,
): OnlineStore => {
  const tables = new WeakMap<ViewPlan, Map<number, LookupTable>>();
  const open = async ({ plan, generation }: TilesTarget): Promise<LookupTable | null> => {
    const known = tables.get(plan) ?? new Map<number, LookupTable>();
    tables.set(plan, known);
    const found =
      known.get(generation) ?? (await client.open(tableOf(plan.view, generation), columnsOf(plan)));
    if (found !== null) known.set(generation, found);
    return found;
  };

  return {
    name: 'paimon',
    async read(target, keys, at): Promise<readonly TilesAnswer[]> {
      const { plan } = target;
      const table = await open(target);
      // The table does not exist yet, so nothing is known of the entities.
      if (table === null) return keys.map(() => UNKNOWN);
      const entityHop = plan.hops.length;
      const widest = plan.hops.reduce(
        (best, hop, i) => (breadth(hop) > breadth(plan.hops[best] as HopGroup) ? i : best),
        0,
      );
      const entities = keys.map((key) => {
        const entity = decodeKey(key, plan.keys);
        return plan.keys.map(({ name }) => entity[name] as string);
      });
      const answer = await table.lookup({
        entities,
        ranges: [...plan.hops.map((hop) => rangeOf(hop, at)), ONE],
      });

      const entityOf = (e: number): { readonly hops: PackedTiles[]; newest: number } => {
        const hops = plan.hops.map((hop, h) => pack(hop, answer.tiles(e, h)));
        return {
          hops,
          newest: Math.max(
            Number.NEGATIVE_INFINITY,
            ...hops.flatMap((hop) => Array.from(hop.newest)),
          ),
        };
      };
      /** No window reaches the entity: its newest tile has its newest event time. */
      const lastSeen = async (e: number, tileStart: number): Promise<PackedEntity['newest']> => {
        const ranges = plan.hops.map((_, h) =>
          h === widest ? { from: tileStart, to: tileStart } : NONE,
        );
        const last = await table.lookup({
          entities: [entities[e] as string[]],
          ranges: [...ranges, NONE],
        });
        const { count, data } = last.tiles(0, widest);
        return count === 0 ? tileStart : (data[META.newestEventTime] as number);
      };

      return Promise.all(
        keys.map(async (_, e): Promise<TilesAnswer> => {
          const { hops, newest } = entityOf(e);
          const row = answer.tiles(e, entityHop);
          const newestTile =
            row.count === 0 ? Number.NEGATIVE_INFINITY : (row.data[META.newestEventTime] as number);
          if (newest === Number.NEGATIVE_INFINITY && row.count === 0) return { found: 'nothing' };
          const seen =
            newest === Number.NEGATIVE_INFINITY || newestTile > at
              ? await lastSeen(e, newestTile)
              : newest;
          return {
            found: 'tiles',
            entity: {
              partition: 0,
              offset: 0,
              whole: true,
              since: null,
              newest: Math.max(newest, seen),
              keptFrom: at,
              hops,
            },
          };
        }),
      );
    },
    close: () => client.close(),
  };
};
