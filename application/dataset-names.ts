/** Names of data sets: what the registry decides of them. */
import type { CommandBus } from '#commands/command-bus.ts';
import {
  type DatasetCommand,
  type DatasetEvent,
  datasetStream,
  decideDataset,
  evolveDataset,
  NO_VERSIONS,
} from '#domain/datasets/dataset.ts';
import type { DatasetIndex } from '#projections/training-sets/dataset-index.ts';
import type { DatasetNames } from '#projections/training-sets/named-datasets.ts';

export const createDatasetNames = (
  bus: Pick<CommandBus, 'decideOn'>,
  index: DatasetIndex,
): DatasetNames => ({
  ...index,
  decide(command: DatasetCommand, caller) {
    const { type, name } = command;
    const version = command.type === 'NameDataset' ? command.after + 1 : command.version;
    return bus.decideOn<DatasetEvent>(
      {
        stream: datasetStream(name),
        // The event has the recipe and the content; the recorded command does not repeat them.
        command: { type, data: { name, version, dataset: command.dataset } },
        decide: (events, time) =>
          decideDataset(events.reduce(evolveDataset, NO_VERSIONS), command, time),
      },
      caller,
    );
  },
});
