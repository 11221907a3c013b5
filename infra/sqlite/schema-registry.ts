/**
 * The local schema registry, modelled on Confluent's: subjects have versions, every schema has one
 * global id, and compatibility is BACKWARD.
 */
import type { DatabaseSync } from 'node:sqlite';
import { MillraceError } from '#domain/errors.ts';
import type { SchemaRegistry } from '#domain/ports/schema-registry.ts';
import { incompatibility } from '#infra/shared/avro/compatibility.ts';
import { addColumn, assertUndamaged, rowChecksum } from '#infra/sqlite/checksums.ts';
import type { Database } from '#infra/sqlite/database.ts';

const TABLES = `
  CREATE TABLE IF NOT EXISTS schema_text (id INTEGER PRIMARY KEY AUTOINCREMENT, text TEXT NOT NULL UNIQUE);
  CREATE TABLE IF NOT EXISTS schema_version (
    subject TEXT NOT NULL, version INTEGER NOT NULL, id INTEGER NOT NULL REFERENCES schema_text (id),
    PRIMARY KEY (subject, version)
  ) WITHOUT ROWID;
`;

/**
 * The order of attributes has no meaning in Avro's JSON; the order of fields and symbols does, and
 * arrays keep it.
 */
const stableText = (schema: unknown): string =>
  JSON.stringify(schema, (_key, value: unknown) =>
    value !== null && typeof value === 'object' && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)))
      : value,
  );

type LatestColumns = { id: number; version: number; text: string; checksum: number | null };

type TextColumns = { text: string; checksum: number | null };

/** @throws MR_DATA_DAMAGED */
export const checkedSchema = (id: number, { text, checksum }: TextColumns): object => {
  assertUndamaged(`schema ${id} of the schema registry`, checksum, [text]);
  return JSON.parse(text) as object;
};

/** Whose row is read by `checkedSchema`. */
export const SCHEMA_BY_ID = 'SELECT text, checksum FROM schema_text WHERE id = ?';

/** Every schema, or what is wrong with it. */
export const checkedSchemas = (
  db: DatabaseSync,
): readonly { readonly id: number; readonly schema: object | Error }[] =>
  (
    db.prepare('SELECT id, text, checksum FROM schema_text ORDER BY id').all() as unknown as ({
      id: number;
    } & TextColumns)[]
  ).map(({ id, ...row }) => {
    try {
      return { id, schema: checkedSchema(id, row) };
    } catch (error) {
      return { id, schema: error as Error };
    }
  });

export const sqliteSchemaRegistry = (database: Database): SchemaRegistry => {
  const { db } = database;
  db.exec(TABLES);
  addColumn(db, 'schema_text', 'checksum', 'INTEGER');
  const byText = db.prepare('SELECT id FROM schema_text WHERE text = ?');
  const byId = db.prepare(SCHEMA_BY_ID);
  const addText = db.prepare('INSERT INTO schema_text (text, checksum) VALUES (?, ?)');
  const holds = db.prepare('SELECT version FROM schema_version WHERE subject = ? AND id = ?');
  const addVersion = db.prepare(
    'INSERT INTO schema_version (subject, version, id) VALUES (?, ?, ?)',
  );
  const versions = db.prepare(
    'SELECT id, version FROM schema_version WHERE subject = ? ORDER BY version',
  );
  const newest = db.prepare(
    'SELECT v.id, v.version, t.text, t.checksum FROM schema_version v JOIN schema_text t ON t.id = v.id WHERE v.subject = ? ORDER BY v.version DESC LIMIT 1',
  );

  const latest = (subject: string): LatestColumns | undefined =>
    newest.get(subject) as LatestColumns | undefined;

  return {
    async register(subject, schema) {
      const text = stableText(schema);
      const known = (byText.get(text) as { id: number } | undefined)?.id;
      if (known !== undefined && holds.get(subject, known) !== undefined) return known;
      const last = latest(subject);
      const problem = incompatibility(
        schema,
        last === undefined ? null : checkedSchema(last.id, last),
      );
      if (problem !== null) {
        throw new MillraceError(
          'MR_SCHEMA_INCOMPATIBLE',
          `Schema of "${subject}": ${problem.message}`,
          {
            subject,
            field: problem.field,
            version: last?.version ?? null,
          },
        );
      }
      return database.transaction(() => {
        const id = known ?? Number(addText.run(text, rowChecksum([text])).lastInsertRowid);
        addVersion.run(subject, (last?.version ?? 0) + 1, id);
        return id;
      });
    },
    async schema(id) {
      const row = byId.get(id) as TextColumns | undefined;
      if (row === undefined)
        throw new MillraceError('MR_NOT_FOUND', `There is no schema with id ${id}.`, { id });
      return checkedSchema(id, row);
    },
    async latest(subject) {
      const row = latest(subject);
      return row === undefined
        ? null
        : { id: row.id, version: row.version, schema: checkedSchema(row.id, row) };
    },
    versions: async (subject) =>
      (versions.all(subject) as { id: number; version: number }[]).map(({ id, version }) => ({
        id,
        version,
      })),
  };
};
