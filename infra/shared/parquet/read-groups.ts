/** Reads column chunks of row groups, several row groups in one read where they are small. */
import type { FileIO } from '#domain/ports/file-io.ts';
import type { ColumnChunk } from './footer.ts';
import { OtherParquet } from './pages.ts';

/** Row groups that are read together have at most so many bytes. */
const READ_BYTES = 2 * 1024 * 1024;
/** Chunks that nobody asked for are read, too, if they are no larger. */
const GAP_BYTES = 64 * 1024;

type Group = readonly ColumnChunk[];

interface Range {
  readonly start: number;
  readonly end: number;
}

/** The ranges of the file that have these chunks. */
const rangesOf = (chunks: readonly ColumnChunk[]): readonly Range[] => {
  const ranges: Range[] = [];
  for (const { offset, bytes } of [...chunks].sort((a, b) => a.offset - b.offset)) {
    const last = ranges.at(-1);
    if (last !== undefined && offset - last.end <= GAP_BYTES)
      ranges[ranges.length - 1] = { ...last, end: Math.max(last.end, offset + bytes) };
    else ranges.push({ start: offset, end: offset + bytes });
  }
  return ranges;
};

const sizeOf = (group: Group): number => group.reduce((sum, { bytes }) => sum + bytes, 0);

/**
 * For each row group, in their order, a function that returns the bytes of its chunks.
 * @throws OtherParquet where the file is shorter than they say
 */
export async function* readGroups(
  files: FileIO,
  uri: string,
  groups: readonly Group[],
): AsyncGenerator<(chunk: ColumnChunk) => Buffer> {
  for (let from = 0; from < groups.length; ) {
    let to = from;
    for (let size = 0; to < groups.length; to++) {
      size += sizeOf(groups[to] as Group);
      if (to > from && size > READ_BYTES) break;
    }
    const ranges = rangesOf(groups.slice(from, to).flat());
    const read = await Promise.all(
      ranges.map(async ({ start, end }) => {
        const bytes = await files.readRange(uri, start, end - start);
        if (bytes === null || bytes.length < end - start)
          throw new OtherParquet('the file is shorter');
        return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
      }),
    );
    const bytesOf = ({ offset, bytes }: ColumnChunk): Buffer => {
      const at = ranges.findIndex(({ start, end }) => offset >= start && offset < end);
      const start = offset - (ranges[at] as Range).start;
      return (read[at] as Buffer).subarray(start, start + bytes);
    };
    for (; from < to; from++) yield bytesOf;
  }
}
