/** Every tool, in the order in which clients list them. */
import type { Tool } from './tool.ts';
import { cancelDataset, rerunDataset, startDataset } from './tools/build-datasets.ts';
import { listDatasets, showDataset } from './tools/datasets.ts';
import { explainValue } from './tools/explain.ts';
import { showLineage } from './tools/lineage.ts';
import { readFeatures } from './tools/read.ts';
import { searchDefinitions } from './tools/search.ts';
import { showDefinition } from './tools/show.ts';
import { listTables, querySql } from './tools/sql.ts';

export const TOOLS: readonly Tool[] = [
  searchDefinitions,
  showDefinition,
  readFeatures,
  explainValue,
  showLineage,
  listDatasets,
  showDataset,
  startDataset,
  rerunDataset,
  cancelDataset,
  listTables,
  querySql,
];
