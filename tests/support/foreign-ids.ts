/**
 * A table as another engine could have written it: with snapshot ids near 2^63. Manifests are read
 * and written by avsc alone, so that nothing here shares the code that is tested.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import avro from 'avsc';

const long = avro.types.LongType.__with({
  fromBuffer: (buffer: Buffer) => buffer.readBigInt64LE(),
  toBuffer(n: bigint) {
    const buffer = Buffer.alloc(8);
    buffer.writeBigInt64LE(n);
    return buffer;
  },
  fromJSON: BigInt,
  toJSON: String,
  isValid: (n: unknown) => typeof n === 'bigint',
  compare: (a: bigint, b: bigint) => (a < b ? -1 : a > b ? 1 : 0),
});
const typeOf = (schema: unknown): avro.Type =>
  avro.Type.forSchema(schema as avro.Schema, { registry: { long }, wrapUnions: false });

type Row = Record<string, unknown>;
interface AvroFile {
  readonly rows: readonly Row[];
  readonly schema: unknown;
  readonly metadata: Record<string, Buffer>;
}

const readAvro = (path: string): Promise<AvroFile> =>
  new Promise((resolve, reject) => {
    const rows: Row[] = [];
    const decoder = avro.createFileDecoder(path, { parseHook: typeOf } as never);
    let metadata: Record<string, Buffer> = {};
    decoder.on('metadata', (_type: unknown, _codec: string, header: { meta: typeof metadata }) => {
      metadata = header.meta;
    });
    decoder.on('data', (row: Row) => rows.push(row));
    decoder.on('error', reject);
    decoder.on('end', () => {
      const { 'avro.schema': schema, 'avro.codec': _, ...rest } = metadata;
      resolve({ rows, schema: JSON.parse(String(schema)), metadata: rest });
    });
  });

const writeAvro = async (path: string, { rows, schema, metadata }: AvroFile): Promise<void> => {
  const text = JSON.stringify(schema);
  const meta = { ...metadata, 'avro.schema': Buffer.from(text) };
  const encoder = new avro.streams.BlockEncoder(typeOf(schema), { metadata: meta } as never);
  for (const row of rows) encoder.write(row);
  encoder.end();
  const parts: Buffer[] = [];
  for await (const part of encoder) parts.push(part as Buffer);
  writeFileSync(path, Buffer.concat(parts));
};

const pathOf = (location: unknown): string => String(location).replace(/^file:\/*/, '/');

const newestText = (table: string): { readonly path: string; readonly text: string } => {
  const versions = readdirSync(join(table, 'metadata')).flatMap(
    (name) => /^v(\d+)\.metadata\.json$/.exec(name)?.[1] ?? [],
  );
  const newest = Math.max(...versions.map(Number));
  const path = join(table, 'metadata', `v${newest}.metadata.json`);
  return { path, text: readFileSync(path, 'utf8') };
};

const IN_TEXT = /"((?:parent-|current-)?snapshot-id)":(-?\d+)/g;

/** Gives each snapshot the id that `idOf` makes of its present one. */
export const giveIds = async (table: string, idOf: (id: bigint) => bigint): Promise<void> => {
  const { path, text } = newestText(table);
  const { snapshots } = JSON.parse(text) as { snapshots: { 'manifest-list': string }[] };
  let changed = text
    .replace(IN_TEXT, (_, key: string, id: string) => `"${key}":${idOf(BigInt(id))}`)
    .replace(/"millrace\.checksum":"[^"]*"/, '"millrace.checksum":""');
  const manifests = new Map<string, string>();
  for (const [i, { 'manifest-list': location }] of snapshots.entries()) {
    const list = await readAvro(pathOf(location));
    const rows: Row[] = [];
    for (const row of list.rows) {
      const old = String(row.manifest_path);
      if (!manifests.has(old)) {
        const manifest = await readAvro(pathOf(old));
        const entries = manifest.rows.map((entry) => ({
          ...entry,
          snapshot_id: entry.snapshot_id === null ? null : idOf(entry.snapshot_id as bigint),
        }));
        const name = join(table, 'metadata', `foreign-${manifests.size}-m0.avro`);
        await writeAvro(name, { ...manifest, rows: entries });
        manifests.set(old, name);
      }
      const file = manifests.get(old) as string;
      const length = BigInt(readFileSync(file).length);
      rows.push({
        ...row,
        manifest_path: `file://${file}`,
        manifest_length: length,
        added_snapshot_id: idOf(row.added_snapshot_id as bigint),
      });
    }
    const name = join(table, 'metadata', `snap-foreign-${i}.avro`);
    await writeAvro(name, { ...list, rows });
    changed = changed.replace(JSON.stringify(location), JSON.stringify(`file://${name}`));
  }
  writeFileSync(path, changed);
};

/** All snapshot ids in the newest metadata and in the manifests of its snapshots, as digits. */
export const idsOf = async (
  table: string,
): Promise<{ readonly inText: readonly string[]; readonly inManifests: readonly string[] }> => {
  const { text } = newestText(table);
  const { snapshots } = JSON.parse(text) as { snapshots: { 'manifest-list': string }[] };
  const found = new Set<string>();
  for (const { 'manifest-list': location } of snapshots) {
    for (const row of (await readAvro(pathOf(location))).rows) {
      found.add(String(row.added_snapshot_id));
      if (!existsSync(pathOf(row.manifest_path))) continue;
      for (const entry of (await readAvro(pathOf(row.manifest_path))).rows)
        if (entry.snapshot_id !== null) found.add(String(entry.snapshot_id));
    }
  }
  const inText = [...text.matchAll(IN_TEXT)].map(([, , id]) => id as string);
  return { inText: [...new Set(inText)].sort(), inManifests: [...found].sort() };
};
