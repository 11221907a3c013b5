/**
 * Files whose names carry the checksum of their content: `<name>-crc_1a2b3c4d.parquet`, CRC-32 in
 * hexadecimal digits. Iceberg has no place for checksums of files, but leaves their names to the
 * writer, so other engines read such tables as they are. Files of other engines have no checksum in
 * their names: of those, the sizes that manifests state are checked, and the checksums that were
 * noted (noted-checksums.ts).
 */
import { crc32 } from 'node:zlib';
import { MillraceError } from '#domain/errors.ts';
import { type FileIO, nameOf } from '#domain/ports/file-io.ts';

const CHECKSUM = /-crc_([0-9a-f]{8})\.\w+$/;

export const hexOf = (checksum: number): string => checksum.toString(16).padStart(8, '0');

/** @param ending `.avro`, `.parquet` */
export const checkedName = (name: string, checksum: number, ending: string): string =>
  `${name}-crc_${hexOf(checksum)}${ending}`;

export const statedChecksum = (uri: string): string | null =>
  CHECKSUM.exec(nameOf(uri))?.[1] ?? null;

/** @throws MR_DATA_DAMAGED, always */
export const damagedFile = (uri: string, why: string): never => {
  throw new MillraceError('MR_DATA_DAMAGED', `The file ${uri} of the history is damaged: ${why}.`, {
    uri,
  });
};

/**
 * @param stated the checksum that the file must have; default: that of its name; null: none
 * @throws MR_DATA_DAMAGED
 */
export const assertChecksum = (
  uri: string,
  found: number,
  stated: string | null = statedChecksum(uri),
): void => {
  if (stated !== null && stated !== hexOf(found))
    damagedFile(uri, `its content has the checksum ${hexOf(found)}, not ${stated}`);
};

/** @throws MR_DATA_DAMAGED if the file is absent, or its content does not fit its name */
export const readChecked = async (files: FileIO, uri: string): Promise<Uint8Array> => {
  const bytes = (await files.read(uri)) ?? damagedFile(uri, 'it is missing');
  assertChecksum(uri, crc32(bytes));
  return bytes;
};

const PIECE_BYTES = 4 * 1024 * 1024;

/**
 * The content of a file of this many bytes is read in pieces, so that a large one takes no memory.
 */
export const checksumOf = async (files: FileIO, uri: string, bytes: number): Promise<number> => {
  let checksum = 0;
  for (let at = 0; at < bytes; at += PIECE_BYTES) {
    const piece = await files.readRange(uri, at, PIECE_BYTES);
    checksum = crc32(piece ?? damagedFile(uri, 'it is missing'), checksum);
  }
  return checksum;
};

export interface StatedFile {
  readonly uri: string;
  readonly file: { readonly file_size_in_bytes: number };
}

/**
 * Checks data files: their sizes at each call, their content once while this process runs. (Files
 * of the history never change. A file with another time of change is checked again.)
 */
export interface FileChecks {
  /** @throws MR_DATA_DAMAGED at the first damaged file */
  readonly check: (stated: readonly StatedFile[]) => Promise<void>;
}

/** @param noted the checksum of a file whose name has none; absent: such files have none */
export const fileChecks = (
  files: FileIO,
  noted: (uri: string) => Promise<string | null> = async () => null,
): FileChecks => {
  /** URI → the time of change of the content that was checked */
  const checked = new Map<string, number>();
  const checkOne = async ({ uri, file: { file_size_in_bytes } }: StatedFile): Promise<void> => {
    const found = (await files.stat(uri)) ?? damagedFile(uri, 'it is missing');
    if (found.bytes !== file_size_in_bytes)
      damagedFile(uri, `it has ${found.bytes} bytes, not ${file_size_in_bytes}`);
    if (checked.get(uri) === found.modifiedAt) return;
    const stated = statedChecksum(uri) ?? (await noted(uri));
    if (stated === null) return;
    assertChecksum(uri, await checksumOf(files, uri, found.bytes), stated);
    checked.set(uri, found.modifiedAt);
  };
  return {
    async check(stated) {
      for (const file of stated) await checkOne(file);
    },
  };
};
