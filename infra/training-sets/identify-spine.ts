/** What a spine is, by its content: so that the same one is recognized, wherever its file is. */
import { createHash } from 'node:crypto';
import type { GivenSpineRecord } from '#domain/datasets/manifest.ts';
import type { BuilderSpine } from '#domain/datasets/spine.ts';
import { canonical } from '#domain/expressions/canonical.ts';
import { fileDigest } from './file-digest.ts';
import { requireFile } from './load-spine.ts';

export const identifySpine = async (spine: BuilderSpine): Promise<GivenSpineRecord> => {
  if ('grid' in spine) return { kind: 'grid', ...spine.grid };
  if ('events' in spine) return { kind: 'events', ...spine.events };
  if ('rows' in spine) {
    const hash = createHash('sha256');
    for (const row of spine.rows) hash.update(`${canonical(row)}\n`);
    return { kind: 'rows', rows: spine.rows.length, sha256: hash.digest('hex') };
  }
  const { file: path } = spine;
  await requireFile(path);
  return { kind: 'file', path, ...(await fileDigest(path)) };
};
