/** Data sets that were made: their states, and the manifests of named ones. */
import { type Static, Type } from 'typebox';
import type { DatasetStatus } from '#domain/api/datasets.ts';
import { datasetReference } from '#domain/datasets/dataset.ts';
import type { DatasetManifest, SpineRecord } from '#domain/datasets/manifest.ts';
import { formatDuration } from '#domain/values/duration.ts';
import { closed } from '#gateways/http/schemas/shapes.ts';
import { type Links, ofThen } from '../links.ts';
import { timeText } from '../times.ts';
import { READS, type ToolAnswer, tool } from '../tool.ts';

const DEFAULT_LIMIT = 20;
const MAX_LIMIT = 100;
/** Columns of a manifest, and features of a state, that are shown. */
const COLUMNS = 60;

const firstOf = <T>(items: readonly T[], name: string, more: string): object => {
  const left = items.length - COLUMNS;
  return { [name]: items.slice(0, COLUMNS), ...(left > 0 ? { [more]: left } : {}) };
};

const stateOf = ({ error, ...status }: DatasetStatus): object => ({
  id: status.id,
  ...(status.name === undefined ? {} : { name: status.name }),
  ...(status.version === undefined ? {} : { version: status.version }),
  state: status.state,
  ...(status.state === 'running' ? { progress: status.progress, stage: status.stage } : {}),
  rows: status.rows,
  mode: status.mode,
  known: timeText(status.known),
  startedAt: timeText(status.startedAt),
  finishedAt: timeText(status.finishedAt),
  ...(error === null ? {} : { error: { code: error.code, message: error.message } }),
});

/** The state of one data set. It does not change once it has ended. */
export const stateAnswer = (status: DatasetStatus, links: Links, now: number): ToolAnswer => {
  const { id, state, known, finishedAt, features, views } = status;
  const link = links.get(['v1', 'datasets', id]);
  return {
    at: finishedAt ?? now,
    known,
    link: state === 'running' ? ofThen(link) : link,
    answer: {
      ...stateOf(status),
      ...firstOf(features, 'features', 'moreFeatures'),
      views,
      ...(state === 'done' ? { data: links.get(['v1', 'datasets', id, 'data']).url } : {}),
    },
  };
};

/** With its times as text. */
const spineText = (spine: SpineRecord): object => {
  const times = 'from' in spine || 'to' in spine ? { from: spine.from, to: spine.to } : {};
  return {
    ...spine,
    ...('every' in spine ? { every: formatDuration(spine.every) } : {}),
    ...Object.fromEntries(
      Object.entries(times).flatMap(([name, ms]) =>
        ms === undefined ? [] : [[name, timeText(ms)] as const],
      ),
    ),
  };
};

const manifestAnswer = (manifest: DatasetManifest, links: Links): ToolAnswer => {
  const { name, version, by, at, recipe, content, builds } = manifest;
  const { target, views, known, mode, withStatus, spine, format, command } = recipe;
  const link = links.get(['v1', 'datasets', `${name}@${version}`, 'manifest']);
  return {
    at,
    known,
    // Content comes with the first build, and stays.
    link: content === null ? ofThen(link) : link,
    answer: {
      name,
      version,
      by,
      target,
      mode,
      withStatus,
      spine: spineText(spine),
      format,
      views: views.map(({ view, version: n, generation }) => ({ view, version: n, generation })),
      command,
      newestBuild: builds.at(-1) ?? null,
      ...(content === null
        ? { content: null }
        : {
            rows: content.rows,
            bytes: content.bytes,
            sha256: content.sha256,
            ...firstOf(content.columns, 'columns', 'moreColumns'),
          }),
    },
  };
};

const listInput = closed({
  name: Type.Optional(Type.String({ description: 'only the builds of this named data set' })),
  limit: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: MAX_LIMIT,
      description: `most data sets to list; default ${DEFAULT_LIMIT}`,
    }),
  ),
});

export const listDatasets = tool<Static<typeof listInput>>({
  name: 'list_datasets',
  title: 'List data sets',
  description:
    'The training sets that you may see, the newest first: id, name if it has one, state (running, done, failed, cancelled), rows.',
  input: listInput,
  hints: READS,
  shorter: 'ask for fewer with "limit"',
  async run({ name, limit = DEFAULT_LIMIT }, { platform, caller, links, now }) {
    const time = now();
    const all = await platform.datasets.list(caller);
    const found = name === undefined ? all : all.filter((one) => one.name === name);
    const shown = found.slice(0, limit);
    return {
      at: time,
      known: time,
      link: ofThen(links.get(['v1', 'datasets'], { name })),
      answer: {
        datasets: shown.map(stateOf),
        total: found.length,
        ...(found.length > shown.length ? { leftOut: found.length - shown.length } : {}),
      },
    };
  },
});

const showInput = closed({
  dataset: Type.String({
    description:
      'the id of a data set: its state and progress; or NAME, or NAME@VERSION, of a named one: its manifest',
  }),
});

export const showDataset = tool<Static<typeof showInput>>({
  name: 'show_dataset',
  title: 'Show a data set',
  description:
    'One training set. By id: its state and progress, and, when it is done, "data": the URL of its rows. By name: the manifest, which says what it was made from and what came out (rows, SHA-256, statistics of the columns).',
  input: showInput,
  hints: READS,
  shorter: 'follow the link instead',
  async run({ dataset }, { platform, caller, links, now }) {
    if (datasetReference(dataset) === null)
      return stateAnswer(await platform.datasets.get(dataset, caller), links, now());
    return manifestAnswer(await platform.datasets.manifest(dataset, caller), links);
  },
});
