/** Making training sets, in the background. */
import { type Static, Type } from 'typebox';
import { datasetReference } from '#domain/datasets/dataset.ts';
import { fail } from '#domain/errors.ts';
import { requestOf, rerunOf } from '#gateways/http/dataset-request.ts';
import { datasetBody, rerunBody } from '#gateways/http/schemas/datasets.ts';
import { closed } from '#gateways/http/schemas/shapes.ts';
import { described, KNOWN } from '../schemas.ts';
import { tool } from '../tool.ts';
import { stateAnswer } from './datasets.ts';

const SPINE =
  'which rows it has; exactly one of: "rows": [{entity keys, "event_timestamp", request inputs}]; "grid": {"from","to","every":"1d"}, every entity at each time; "events": {"source","label":[fields]}, every event of a source with the features just before it; "file": a path on the server';

const { service, view, spine, name, newVersion, mode, known, withStatus } = datasetBody.properties;

const startInput = closed({
  service: described(service, 'name of a feature service; give this or "view"'),
  view: described(view, 'name of a feature view; give this or "service"'),
  spine: described(spine, SPINE),
  mode: described(
    mode,
    'event-time (default): the true values at the time of each row, late data included; as-served: the values that a read would have answered then',
  ),
  known: described(known, KNOWN),
  name: described(
    name,
    'keep its manifest under this name, to build the same bytes again; lower-case letters, digits and underscores',
  ),
  newVersion: described(
    newVersion,
    'with "name": make a new version if the name has another request; default false',
  ),
  withStatus: described(
    withStatus,
    'a column FEATURE__status after each feature: present, null, not-found, expired or overflow; default false',
  ),
});

export const startDataset = tool<Static<typeof startInput>>({
  name: 'start_dataset',
  title: 'Start a training set',
  description:
    'Starts a point-in-time correct training set: for each row, the values of the features at the time of the row, without knowledge of later events. It is built in the background: ask show_dataset with the id until its state is done. The same arguments, with "known" as it was answered, make the same rows again.',
  input: startInput,
  hints: { readOnlyHint: false, destructiveHint: false },
  shorter: 'follow the link instead',
  async run(args, { platform, caller, links, now, file }) {
    const started = await platform.datasets.start(requestOf(args, file), caller);
    return stateAnswer(started, links, now());
  },
});

const rerunInput = closed({
  dataset: Type.String({
    description: 'NAME, or NAME@VERSION; without a version, the newest one',
  }),
  spine: described(
    rerunBody.properties.spine,
    'the same rows or file again: needed only if it was made from rows',
  ),
});

export const rerunDataset = tool<Static<typeof rerunInput>>({
  name: 'rerun_dataset',
  title: 'Build a named training set again',
  description:
    'Builds a named training set again, with the same bytes, in the background. It fails if the bytes would differ.',
  input: rerunInput,
  hints: { readOnlyHint: false, destructiveHint: false },
  shorter: 'follow the link instead',
  async run({ dataset, spine: given }, { platform, caller, links, now, file }) {
    if (datasetReference(dataset) === null)
      fail(
        'MR_PARAMETER_INVALID',
        `"dataset" must be NAME or NAME@VERSION, not ${JSON.stringify(dataset)}: only named data sets can be built again`,
        { parameter: 'dataset' },
      );
    const body = given === undefined ? {} : { spine: given };
    const started = await platform.datasets.rerun(dataset, rerunOf(body, file), caller);
    return stateAnswer(started, links, now());
  },
});

const cancelInput = closed({
  dataset: Type.String({ description: 'the id of a data set that is running' }),
});

export const cancelDataset = tool<Static<typeof cancelInput>>({
  name: 'cancel_dataset',
  title: 'Cancel a training set',
  description:
    'Cancels the building of a training set. One that has ended stays as it is; its state is answered.',
  input: cancelInput,
  hints: { readOnlyHint: false, destructiveHint: true, idempotentHint: true },
  shorter: 'follow the link instead',
  async run({ dataset }, { platform, caller, links, now }) {
    return stateAnswer(await platform.datasets.cancel(dataset, caller), links, now());
  },
});
