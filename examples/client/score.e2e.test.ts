/** Runs the example of docs/guides/typescript-client.md as its reader would. */

import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { createGrpcGateway } from '#gateways/grpc/gateway.ts';
import { grpcModules } from '#gateways/grpc-modules.ts';
import { caller, plain, testPlatform } from '#tests/support/platform.ts';
import * as definitions from '../flights/features.ts';

test('the example publishes, scores one flight, reads single rows and past values, and prints an error', async () => {
  const { platform, dispose } = await testPlatform();
  await platform.registry.apply(plain(...Object.values(definitions)), {}, caller);
  const gateway = await createGrpcGateway({ modules: grpcModules(), platform, port: 0 });
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [
    join(import.meta.dirname, 'score.ts'),
    gateway.address,
  ]);
  await gateway.close();
  await dispose();
  const lines = stdout.trim().split('\n');
  expect(lines[0]).toBe('3 accepted, up to raw.flights@0:3');
  expect(lines[1]).toMatch(/^21 25\.2 missing: delay_stddev_7d$/);
  expect(lines[2]).toMatch(/^null null missing: .*late_risk$/);
  expect(lines[3]).toBe('airport_delays v1 is fresh, route_delays v1 is fresh');
  expect(lines[4]).toBe('2 to JFK, 1 to LAX, 0 to null');
  expect(lines[5]).toBe('half an hour ago: 1');
  expect(lines[6]).toMatch(/^MR_NOT_FOUND there is no feature service "delay_modle"/);
  expect(stderr).toBe('');
});
