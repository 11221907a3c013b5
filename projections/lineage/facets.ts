/**
 * The facets that Millrace writes: OpenLineage's own, each at the version named here, and ours,
 * whose schema is docs/openlineage/1-0-0.json.
 */
import type { Facet } from './event.ts';

const STANDARD = {
  SchemaDatasetFacet: '1-2-0',
  ColumnLineageDatasetFacet: '1-2-0',
  DatasetVersionDatasetFacet: '1-0-1',
  DatasetTypeDatasetFacet: '1-0-1',
  DocumentationDatasetFacet: '1-1-0',
  OwnershipDatasetFacet: '1-0-1',
  TagsDatasetFacet: '1-0-0',
  LifecycleStateChangeDatasetFacet: '1-0-1',
  SymlinksDatasetFacet: '1-0-1',
  StorageDatasetFacet: '1-0-1',
  DocumentationJobFacet: '1-1-0',
  OwnershipJobFacet: '1-0-1',
  TagsJobFacet: '1-0-0',
  JobTypeJobFacet: '2-0-4',
  SourceCodeJobFacet: '1-0-1',
  ParentRunFacet: '1-2-0',
  NominalTimeRunFacet: '1-0-1',
  ErrorMessageRunFacet: '1-0-1',
  ProcessingEngineRunFacet: '1-1-1',
  InputStatisticsInputDatasetFacet: '1-0-0',
  OutputStatisticsOutputDatasetFacet: '1-0-2',
} as const;

export type StandardFacet = keyof typeof STANDARD;

export const standardFacet = <T extends object>(
  producer: string,
  name: StandardFacet,
  fields: T,
): Facet & T => ({
  _producer: producer,
  _schemaURL: `https://openlineage.io/spec/facets/${STANDARD[name]}/${name}.json#/$defs/${name}`,
  ...fields,
});

/** A new version for each change of our facets: a published schema never changes. */
const OURS = 'urn:millrace:openlineage:1-0-0';

export type OwnFacet =
  | 'DefinitionDatasetFacet'
  | 'DefinitionJobFacet'
  | 'GenerationRunFacet'
  | 'ProgressRunFacet'
  | 'DatasetRunFacet';

export const ownFacet = <T extends object>(
  producer: string,
  name: OwnFacet,
  fields: T,
): Facet & T => ({
  _producer: producer,
  _schemaURL: `${OURS}#/$defs/${name}`,
  ...fields,
});
