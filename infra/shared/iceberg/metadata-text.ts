/**
 * Metadata files as text. Their names are fixed (`v<n>.metadata.json`), so the checksum is a
 * property of the table: `<n>-<CRC-32 of the text with an empty checksum>`. Another engine that
 * commits copies the property as it is: it then names an earlier version, and the text is not
 * checked.
 */
import { crc32 } from 'node:zlib';
import { damagedFile } from './checked-files.ts';
import { stringifyExact } from './exact-numbers.ts';
import { parseMetadata, type TableMetadata } from './metadata.ts';

const PROPERTY = 'millrace.checksum';
const IN_TEXT = /"millrace\.checksum":"(?:(\d+)-([0-9a-f]{8}))?"/;
const EMPTY = `"${PROPERTY}":""`;

const checksumOf = (text: string): string =>
  crc32(text.replace(IN_TEXT, EMPTY)).toString(16).padStart(8, '0');

export const metadataText = (version: number, metadata: TableMetadata): string => {
  const properties = { ...metadata.properties, [PROPERTY]: '' };
  const text = stringifyExact({ ...metadata, properties });
  return text.replace(EMPTY, `"${PROPERTY}":"${version}-${checksumOf(text)}"`);
};

/**
 * @param uri where the text is from
 * @throws MR_DATA_DAMAGED
 */
export const metadataOfText = (version: number, text: string, uri: string): TableMetadata => {
  let metadata: TableMetadata;
  try {
    // A newer format is named as such: it may have its checksums elsewhere.
    metadata = parseMetadata(text, uri);
  } catch (error) {
    if (error instanceof SyntaxError) return damagedFile(uri, 'it is not JSON');
    throw error;
  }
  const [, of, checksum] = IN_TEXT.exec(text) ?? [];
  if (of === String(version) && checksum !== checksumOf(text))
    damagedFile(uri, 'its checksum does not fit its content');
  return metadata;
};
