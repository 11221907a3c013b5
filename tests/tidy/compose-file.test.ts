/**
 * docker-compose.yml and the runner have the same versions, ports and settings: the file is what
 * the generator prints.
 */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { DEFAULT_BASE_PORT, PORT_OFFSETS } from '#infra/stack/addresses.ts';
import { VERSIONS } from '#infra/stack/versions.ts';
import { composeFile } from '#scripts/generate/compose-file.ts';

const file = readFileSync(new URL('../../docker-compose.yml', import.meta.url), 'utf8');

test('docker-compose.yml is what `node scripts/generate/compose-file.ts` prints', () => {
  expect(file).toBe(composeFile());
});

test('every image has the version that the runner starts', () => {
  for (const version of [
    VERSIONS.kafka,
    VERSIONS.apicurio,
    VERSIONS.flink,
    VERSIONS.mariadb,
    VERSIONS.redis,
  ])
    expect(file).toMatch(new RegExp(`image: \\S+:${version.replaceAll('.', '\\.')}(-java17)?\n`));
});

test('every server has the runner’s port', () => {
  for (const server of [
    'kafka',
    'registry',
    'mariadb',
    'redis',
    'flinkRest',
    'sqlGateway',
    'flinkRpc',
  ] as const)
    expect(file).toContain(String(DEFAULT_BASE_PORT + PORT_OFFSETS[server]));
});

test('no server listens beyond this machine', () => {
  expect(file).not.toMatch(/PLAINTEXT:\/\/:|CONTROLLER:\/\/:/);
  const flinks = file.split('FLINK_PROPERTIES').slice(1);
  expect(flinks.length).toBe(3);
  for (const properties of flinks)
    for (const bind of ['rest.bind-address', 'jobmanager.bind-host', 'taskmanager.bind-host'])
      expect(properties).toContain(`${bind}: 127.0.0.1`);
});
