/** `millrace show` of a named data set. */
import type { Command } from 'commander';
import type { CatalogDataset, Found } from '#domain/api/registry.ts';
import { datasetReference } from '#domain/datasets/dataset.ts';
import { DATASET_KIND } from '#gateways/shared/kinds.ts';
import { path, query } from './client.ts';
import { showDataset } from './commands/named-datasets.ts';
import { contextOf } from './context.ts';
import { facts, showTime } from './table.ts';

const entryText = ({ name, version, namespace, of, createdAt, rows, upstream }: CatalogDataset) =>
  facts([
    [DATASET_KIND, name],
    ['version', version],
    ['namespace', namespace],
    ['of', of],
    ['made', showTime(createdAt)],
    ['rows', rows],
    ['made of', upstream.join(', ') || null],
  ]);

interface Wanted {
  readonly at?: number;
  /** a position of the registry: the entry of then, without the manifest */
  readonly asOf?: string;
}

/**
 * @param reference NAME or NAME@VERSION
 * @returns false: the caller sees no data set of that name
 */
export const showNamedDataset = async (
  reference: string,
  { at, asOf }: Wanted,
  command: Command,
): Promise<boolean> => {
  const { client, json, document, print } = contextOf(command);
  const wanted = datasetReference(reference);
  if (wanted === null) return false;
  const entries = await client.get<readonly Found[]>(
    `${path('v1', 'registry', DATASET_KIND)}${query({ asOf })}`,
  );
  const entry = entries.find(({ name }) => name === wanted.name) as CatalogDataset | undefined;
  if (entry === undefined) return false;
  if (asOf === undefined)
    await showDataset(at === undefined ? reference : `${wanted.name}@${at}`, {}, command);
  else if (json) document(entry);
  else print(entryText(entry));
  return true;
};
