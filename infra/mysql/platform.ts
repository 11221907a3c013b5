/**
 * What the registry's database knows of the other stores: the platform's id, which they carry too,
 * which of them were marked with it, the ids of the topics, and what was noted of these topics.
 */
import type { TopicIds } from '#domain/ports/topic-ids.ts';
import type { TopicNote, TopicNotes } from '#domain/ports/topic-notes.ts';
import type { MysqlDatabase } from './database.ts';

export interface MysqlPlatform {
  /** The platform's id, a UUID. */
  readonly id: () => Promise<string>;
  /** Makes this the database of another platform, whose own is lost. */
  readonly become: (id: string) => Promise<void>;
  /** names of the stores that carry the id */
  readonly marked: () => Promise<ReadonlySet<string>>;
  readonly noteMarked: (store: string) => Promise<void>;
  readonly topicIds: TopicIds;
  readonly topicNotes: TopicNotes;
}

export const mysqlPlatform = ({
  rows,
  transaction,
}: Pick<MysqlDatabase, 'rows' | 'transaction'>): MysqlPlatform => {
  const run = (sql: string, parameters: readonly string[]): Promise<void> =>
    transaction((on) => on.run(sql, parameters));
  return {
    id: async () => (await rows<{ id: string }>('SELECT id FROM platform'))[0]?.id as string,
    become: (id) => run('UPDATE platform SET id = ?', [id]),
    marked: async () =>
      new Set(
        (await rows<{ store: string }>('SELECT store FROM marked_store')).map((r) => r.store),
      ),
    noteMarked: (store) => run('INSERT IGNORE INTO marked_store (store) VALUES (?)', [store]),
    topicIds: {
      all: async () =>
        new Map(
          (await rows<{ topic: string; id: string }>('SELECT topic, id FROM topic_id')).map(
            (row) => [row.topic, row.id] as const,
          ),
        ),
      record: (topic, id) =>
        transaction(async (on) => {
          await on.run('INSERT IGNORE INTO topic_id (topic, id) VALUES (?, ?)', [topic, id]);
          const [row] = await on.rows<{ id: string }>('SELECT id FROM topic_id WHERE topic = ?', [
            topic,
          ]);
          return row?.id ?? id;
        }),
      replace: (topic, id) => run('REPLACE INTO topic_id (topic, id) VALUES (?, ?)', [topic, id]),
    },
    topicNotes: {
      async find(topic) {
        const [row] = await rows<{ note: string }>(
          'SELECT note FROM topic_note JOIN topic_id USING (topic, id) WHERE topic = ?',
          [topic],
        );
        return row === undefined ? null : (JSON.parse(row.note) as TopicNote);
      },
      write: (topic, note) =>
        run(
          'REPLACE INTO topic_note (topic, id, note) SELECT topic, id, ? FROM topic_id WHERE topic = ?',
          [JSON.stringify(note), topic],
        ),
    },
  };
};
