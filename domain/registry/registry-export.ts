/** The export of a registry: read from JSON, and as a registry that a plan can be made against. */
import type { ExportedStatus, RegistryExport } from '#domain/api/registry.ts';
import type { Definition } from '#domain/definitions/model.ts';
import { parseDefinition } from '#domain/definitions/parse.ts';
import { fail } from '#domain/errors.ts';
import { KINDS, streamOf } from './events.ts';
import type { ByKind, Registered, RegistryStream } from './registered.ts';

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Whether a JSON value says that it is an export. */
export const isRegistryExport = (value: unknown): boolean =>
  isObject(value) && value.millrace === 'registry';

const readEntry = (entry: unknown, index: number): RegistryExport['definitions'][number] => {
  const path = `definitions[${index}]`;
  if (!isObject(entry)) return fail('MR_FILE_INVALID', `${path} must be an object`);
  const { version, status } = entry;
  if (!Number.isSafeInteger(version) || (version as number) < 1)
    fail('MR_FILE_INVALID', `${path}.version must be a whole number from 1`);
  if (status !== 'active' && status !== 'deprecated')
    fail('MR_FILE_INVALID', `${path}.status must be active or deprecated`);
  const definition = parseDefinition(entry.definition, `${path}.definition`);
  const { kind, name } = definition;
  return { kind, name, version, status, definition } as ExportedStatus & {
    readonly definition: Definition;
  };
};

/** @throws MillraceError that names the entry which is wrong */
export const readRegistryExport = (value: unknown): RegistryExport => {
  if (!isRegistryExport(value) || !isObject(value) || !Array.isArray(value.definitions))
    return fail(
      'MR_FILE_INVALID',
      'it is not the export of a registry: `millrace export registry --out FILE` writes one',
    );
  return { millrace: 'registry', definitions: value.definitions.map(readEntry) };
};

/** The definitions of an export, each in its one version. */
export const registeredIn = ({ definitions }: RegistryExport): Registered => {
  const streams = new Map(
    definitions.map(({ kind, name, version, status, definition }): [string, RegistryStream] => [
      streamOf(kind, name),
      {
        kind,
        name,
        state: {
          status,
          versions: [{ version, definition, planHash: null }],
          generations: [],
          timeline: [],
        },
      },
    ]),
  );
  return {
    streams: (kind) =>
      KINDS.flatMap((one) =>
        kind === undefined || kind === one
          ? [...streams.values()].filter((stream) => stream.kind === one)
          : [],
      ),
    stream: (kind, name) => streams.get(streamOf(kind, name)) ?? null,
    definition: <K extends keyof ByKind>(kind: K, name: string, version?: number) => {
      const [found] = streams.get(streamOf(kind, name))?.state.versions ?? [];
      const isWanted = version === undefined || version === found?.version;
      return ((isWanted ? found?.definition : undefined) ?? null) as ByKind[K] | null;
    },
  };
};
