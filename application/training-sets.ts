/** Training sets and rollups from the parts of a platform. */
import type { CommandBus } from '#commands/command-bus.ts';
import type { createRowsAt } from '#projections/dimensions/rows-at.ts';
import { createRollups, type Rollups } from '#projections/rollups/rollups.ts';
import type { WaitFor } from '#projections/serving/wait-for.ts';
import type { DatasetIndex } from '#projections/training-sets/dataset-index.ts';
import { createPins } from '#projections/training-sets/pin-target.ts';
import {
  createTrainingSets,
  type TrainingSetDependencies,
  type TrainingSets,
} from '#projections/training-sets/training-sets.ts';
import { createDatasetNames } from './dataset-names.ts';
import type { PlatformDependencies, Rollup } from './dependencies.ts';

type Own = 'builder' | 'names' | 'version' | 'jobs' | 'gateway' | 'rowsAt';

interface Parts extends Omit<TrainingSetDependencies, Own> {
  readonly bus: Pick<CommandBus, 'decideOn'>;
  readonly datasetIndex: DatasetIndex;
  readonly rowsAt: ReturnType<typeof createRowsAt>;
  readonly waitFor: WaitFor;
}

export interface OwnTrainingSets extends TrainingSets {
  readonly rollup: Rollup;
}

export const trainingSetsOf = (
  dependencies: PlatformDependencies,
  { bus, datasetIndex, rowsAt, waitFor, ...parts }: Parts,
): OwnTrainingSets => {
  const { trainingSetBuilder, datasetJobs, host, version, rollups } = dependencies;
  const own =
    'write' in rollups
      ? null
      : createRollups({
          ...parts,
          pins: createPins(parts.catalog, parts.engine),
          generation: parts.engine.generation,
          builder: trainingSetBuilder,
          tables: rollups.tables,
          waitFor,
        });
  const trainingSets = createTrainingSets({
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
  return {
    ...trainingSets,
    rollup: 'write' in rollups ? rollups.write : (own as Rollups).rollup,
    async close() {
      await own?.close();
      await trainingSets.close();
    },
  };
};
