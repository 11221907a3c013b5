/** Python that logs a named data set as an input of a run of MLflow. */
import type { DatasetManifest } from '#domain/datasets/manifest.ts';
import { fail } from '#domain/errors.ts';

/** MLflow keeps digests of at most 36 characters. */
const DIGEST = 32;

export const mlflowSnippet = (
  { name, version, recipe, content }: DatasetManifest,
  url: string,
): string => {
  const title = `${name}@${version}`;
  if (content === null)
    return fail(
      'MR_REFUSED',
      `data set ${title} was never built to the end: build it with \`millrace dataset rerun ${title}\``,
      { name, version },
    );
  const file = `${name}.${recipe.format}`;
  const data = `${url.replace(/\/+$/, '')}/v1/datasets/${title}/data`;
  return `import mlflow, mlflow.data, pandas as pd
from mlflow.data.http_dataset_source import HTTPDatasetSource

# millrace dataset rerun ${title} --out ${file}
rows = pd.read_${recipe.format}('${file}')
with mlflow.start_run():
    mlflow.set_tag('millrace.dataset', '${title}')
    dataset = mlflow.data.from_pandas(
        rows,
        source=HTTPDatasetSource('${data}'),
        name='${title}',
        digest='${content.sha256.slice(0, DIGEST)}',
    )
    mlflow.log_input(dataset, context='training')`;
};
