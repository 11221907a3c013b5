/** Training sets from the parts of a platform. */
import type { CommandBus } from '#commands/command-bus.ts';
import type { createRowsAt } from '#projections/dimensions/rows-at.ts';
import type { DatasetIndex } from '#projections/training-sets/dataset-index.ts';
import {
  createTrainingSets,
  type TrainingSetDependencies,
  type TrainingSets,
} from '#projections/training-sets/training-sets.ts';
import { createDatasetNames } from './dataset-names.ts';
import type { PlatformDependencies } from './dependencies.ts';

type Own = 'builder' | 'names' | 'version' | 'jobs' | 'gateway' | 'rowsAt';

interface Parts extends Omit<TrainingSetDependencies, Own> {
  readonly bus: Pick<CommandBus, 'decideOn'>;
  readonly datasetIndex: DatasetIndex;
  readonly rowsAt: ReturnType<typeof createRowsAt>;
}

export const trainingSetsOf = (
  { trainingSetBuilder, datasetJobs, host, version }: PlatformDependencies,
  { bus, datasetIndex, rowsAt, ...parts }: Parts,
): TrainingSets =>
  createTrainingSets({
    ...parts,
    builder: trainingSetBuilder,
    names: createDatasetNames(bus, datasetIndex),
    version,
    jobs: datasetJobs,
    gateway: { id: parts.newId(), host },
    async rowsAt(source, at) {
      const definition = parts.catalog.definition('source', source);
      return definition === null ? [] : [...(await rowsAt(definition, at)).values()];
    },
  });
