/**
 * Converts a project of a Feast registry to definitions, with notes. Pure: other files read and
 * write.
 */
import type { Definition } from '#domain/definitions/model.ts';
import { FIELD_NAME, NAME } from '#domain/definitions/names.ts';
import { createImport, type Import } from './common.ts';
import { importEntities, isDummy } from './entities.ts';
import type { FeastProject } from './model.ts';
import { createNotes, type Note } from './notes.ts';
import { importOnDemand } from './on-demand.ts';
import { importServices } from './services.ts';
import { importSources } from './sources.ts';
import { planViews, viewOf } from './views.ts';

export interface Imported {
  readonly project: string;
  readonly definitions: readonly Definition[];
  /** source → location of its rows in Feast */
  readonly history: ReadonlyMap<string, string>;
  /** texts to keep of objects without a counterpart */
  readonly remarks: readonly string[];
  readonly notes: readonly Note[];
}

/** Valid names are reserved first, so that they stay unchanged whatever the others become. */
const keepNames = ({ names }: Import, project: FeastProject): void => {
  const keep = (kind: keyof Import['names'], list: readonly { readonly name: string }[]): void => {
    for (const { name } of list) if (NAME.test(name) && !isDummy(name)) names[kind].of(name, name);
  };
  keep('entity', project.entities);
  keep('view', [...project.featureViews, ...project.streamFeatureViews]);
  keep('service', project.featureServices);
  const views = [...project.featureViews, ...project.streamFeatureViews];
  const sources = views.flatMap(({ batchSource, streamSource }) =>
    [batchSource, streamSource].filter((source) => source !== null),
  );
  const columns = [
    ...project.entities.map(({ joinKey }) => joinKey),
    ...views.flatMap(({ features }) => features.map(({ name }) => name)),
    ...sources.flatMap(({ fieldMapping, timestampField, createdTimestampColumn }) => [
      ...Object.keys(fieldMapping),
      timestampField,
      createdTimestampColumn,
    ]),
  ];
  for (const column of columns) if (FIELD_NAME.test(column)) names.field.of(column, column);
};

const LOST_KINDS = [
  [
    'labelViews',
    'label view',
    'labels are rows of a source: define one, and read it as a training set',
  ],
  [
    'savedDatasets',
    'saved data set',
    'make it again with `millrace dataset`; note its `known` to get the same rows later',
  ],
  ['validationReferences', 'validation reference', 'checks of values are not imported'],
  ['permissions', 'permission', 'give roles with API keys or tokens'],
] as const;

export const importProject = (project: FeastProject): Imported => {
  const notes = createNotes();
  const imp = createImport(notes);
  keepNames(imp, project);
  const entities = importEntities(project, imp);
  const planned = planViews(project, entities, imp);
  const sources = importSources(
    planned.map(({ use }) => use),
    imp,
  );
  const views = planned.map((view) => viewOf(view, sources.of(view.view), imp));
  const definedSources = sources.all.map(({ definition }) => definition);
  const onDemand = importOnDemand(project, { planned, views, sources: definedSources }, imp);
  const services = importServices(
    project.featureServices,
    { planned, onDemand: onDemand.names },
    imp,
  );
  const read = new Set(
    [...project.featureViews, ...project.streamFeatureViews].flatMap(
      ({ batchSource, streamSource }) =>
        [batchSource, streamSource, batchSource?.batchSource, streamSource?.batchSource].map(
          (source) => source?.name,
        ),
    ),
  );
  for (const { name, type } of project.dataSources)
    if (type !== 'REQUEST_SOURCE' && !read.has(name))
      notes.lost(
        'data source',
        name,
        'no feature view reads it, and only views have the names of columns',
        'define it by hand',
      );
  for (const [list, kind, remedy] of LOST_KINDS)
    for (const { name } of project[list]) notes.lost(kind, name, 'has no counterpart', remedy);
  if (views.length > 0)
    notes.changed(
      'project',
      project.project,
      'if the newest row has a null, Feast answers null; last() answers the newest value that is not null',
      'docs/guides/feast.md, "What an import changes"',
    );
  return {
    project: project.project,
    definitions: [
      ...entities.definitions,
      ...definedSources,
      ...views,
      ...onDemand.definitions,
      ...services,
    ],
    history: new Map(
      sources.all.flatMap(({ definition, history }) =>
        history === null ? [] : [[definition.name, history] as const],
      ),
    ),
    remarks: onDemand.lost,
    notes: notes.all,
  };
};
