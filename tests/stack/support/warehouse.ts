/** The running stack's directories, in the form that the adapters need. */
import { join } from 'node:path';
import type { Directory } from '#domain/ports/file-io.ts';
import { fileUri } from '#infra/files/file-uri.ts';
import { localFiles } from '#infra/files/local-files.ts';
import { addresses } from './addresses.ts';

export const directoryOf = (path: string): Directory => ({
  files: localFiles(),
  uri: fileUri(path),
});

export const icebergTables = (): Directory => directoryOf(addresses().warehouse.iceberg);

export const spillDirectory = (): string => join(addresses().warehouse.iceberg, '.spill');
