/** The promises of domain/ports/table-documents.ts, for every adapter. */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TableDocuments } from '#domain/ports/table-documents.ts';

export interface TableDocumentsUnderTest {
  readonly documents: TableDocuments;
  /** a topic with a table of two snapshots or more, whose writer commits no more */
  readonly topic: string;
  /** the ids of its snapshots, the newest last, as digits */
  readonly ids: readonly string[];
  readonly dispose: () => Promise<void>;
}

interface Metadata {
  readonly snapshots: readonly { readonly 'manifest-list': string }[];
}

export const tableDocumentsContract = (
  name: string,
  open: () => Promise<TableDocumentsUnderTest>,
): void => {
  describe(`table documents: ${name}`, () => {
    let test: TableDocumentsUnderTest;
    beforeAll(async () => {
      test = await open();
    });
    afterAll(() => test?.dispose());

    it('answers the newest version, with every digit of its numbers', async () => {
      const { documents, topic, ids } = test;
      expect(await documents.exists(topic)).toBe(true);
      const { metadata } = (await documents.load(topic, 'all')) ?? { metadata: '' };
      const found = [...metadata.matchAll(/"snapshot-id":(\d+)/g)].map(([, id]) => id);
      expect([...new Set(found)].sort()).toEqual([...ids].sort());
      expect(metadata).toContain(`"current-snapshot-id":${ids.at(-1)}`);
      const { snapshots } = JSON.parse(metadata) as Metadata;
      for (const { 'manifest-list': list } of snapshots)
        expect(readFileSync(list.replace(/^file:\/*/, '/')).length).toBeGreaterThan(0);
    });

    it('leaves out what no branch names', async () => {
      const { documents, topic } = test;
      const { metadata } = (await documents.load(topic, 'refs')) ?? { metadata: '{}' };
      const { snapshots } = JSON.parse(metadata) as Metadata;
      expect(snapshots.length).toBe(1);
    });

    it('names a file with the same metadata', async () => {
      const { documents, topic } = test;
      const loaded = await documents.load(topic, 'all');
      const path = String(loaded?.location).replace(/^file:\/*/, '/');
      expect(JSON.parse(readFileSync(path, 'utf8'))).toEqual(
        JSON.parse(loaded?.metadata as string),
      );
    });

    it('has no table of another topic', async () => {
      const { documents } = test;
      expect(await documents.exists('raw.no_such_topic')).toBe(false);
      expect(await documents.load('raw.no_such_topic', 'all')).toBeNull();
    });
  });
};
