/** The definitions as one file, or as one file per kind with imports between them. */
import type { Definition, FeatureViewDefinition, Kind } from '#domain/definitions/model.ts';
import type { Imported } from './import.ts';
import { comment, group, print } from './print.ts';
import { importsOf, referencesOf, statementOf } from './typescript.ts';
import { createVariables, type Variables } from './variables.ts';

const FILE: Readonly<Record<Kind, string>> = {
  entity: 'entities.ts',
  source: 'sources.ts',
  'feature-view': 'views.ts',
  'on-demand-feature': 'on-demand.ts',
  'feature-service': 'services.ts',
};

const importLine = (names: Iterable<string>, from: string): string =>
  `${print(group('import {', [...new Set(names)].sort(), `} from '${from}'`, ' '))};`;

const byKind = (definitions: readonly Definition[]): Map<Kind, Definition[]> =>
  Map.groupBy(definitions, ({ kind }) => kind);

interface Writing {
  readonly imported: Imported;
  readonly variables: Variables;
  readonly view: (name: string) => FeatureViewDefinition | undefined;
}

const start = (imported: Imported): Writing => {
  const views = imported.definitions.filter((definition) => definition.kind === 'feature-view');
  return {
    imported,
    variables: createVariables(imported.definitions),
    view: (name) => views.find((view) => view.name === name),
  };
};

const head = ({ imported }: Writing): string =>
  comment(`Imported from the Feast project ${imported.project}.`);

const statements = (
  { imported, variables, view }: Writing,
  definitions: readonly Definition[],
): string[] =>
  definitions.map((definition) => {
    const history =
      definition.kind === 'source' ? imported.history.get(definition.name) : undefined;
    const statement = statementOf(definition, variables, view);
    return history === undefined
      ? statement
      : `${comment(`Its rows in Feast: ${history}`)}\n${statement}`;
  });

const remarks = ({ imported }: Writing): string[] =>
  imported.remarks.map((remark) => comment(`No counterpart: to be written by hand.\n${remark}`));

const joined = (parts: readonly string[]): string => `${parts.join('\n\n')}\n`;

export const oneFile = (imported: Imported): string => {
  const writing = start(imported);
  const { definitions } = imported;
  const last = definitions.findIndex(({ kind }) => kind === 'feature-service');
  const [before, services] =
    last < 0 ? [definitions, []] : [definitions.slice(0, last), definitions.slice(last)];
  return joined([
    `${head(writing)}\n${importLine(definitions.flatMap(importsOf), 'millrace')}`,
    ...statements(writing, before),
    ...remarks(writing),
    ...statements(writing, services),
  ]);
};

export const filesByKind = (imported: Imported): ReadonlyMap<string, string> => {
  const writing = start(imported);
  const files = new Map<string, string>();
  for (const [kind, definitions] of byKind(imported.definitions)) {
    const references = definitions.flatMap(referencesOf).filter(([other]) => other !== kind);
    const others = Map.groupBy(references, ([other]) => other);
    const imports = [...others].map(([other, named]) =>
      importLine(
        named.map(([, name]) => writing.variables.of(other, name)),
        `./${FILE[other]}`,
      ),
    );
    const lines = [
      head(writing),
      importLine(definitions.flatMap(importsOf), 'millrace'),
      ...imports.sort(),
    ];
    const rest = kind === 'on-demand-feature' ? remarks(writing) : [];
    files.set(FILE[kind], joined([lines.join('\n'), ...statements(writing, definitions), ...rest]));
  }
  const left = remarks(writing);
  if (left.length > 0 && !files.has(FILE['on-demand-feature']))
    files.set(FILE['feature-view'], `${files.get(FILE['feature-view']) ?? ''}\n${joined(left)}`);
  return files;
};
