import type { TileStore } from '#domain/tiles/tile-store.ts';

/** The entities in memory, by part: their indexes. */
export const membersOf = ({
  parts,
  hashes,
  entities,
}: TileStore): ((part: number) => Uint32Array) => {
  const starts = new Uint32Array(parts.count + 1);
  for (let e = 0; e < entities; e++) (starts[parts.of(hashes[e] as number) + 1] as number)++;
  for (let part = 0; part < parts.count; part++)
    (starts[part + 1] as number) += starts[part] as number;
  const next = starts.slice();
  const members = new Uint32Array(entities);
  for (let e = 0; e < entities; e++) {
    const part = parts.of(hashes[e] as number);
    members[(next[part] as number)++] = e;
  }
  return (part) => members.subarray(starts[part], starts[part + 1]);
};
