/** Writes a file of parts: state-files.ts. */
import { rmSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import {
  headerOf,
  PARTS_HEADER_BYTES,
  partsFile,
  partsFilesOf,
  type StatePlace,
} from './state-files.ts';
import type { Section } from './state-table.ts';

/** So many bytes are written at once. */
const CHUNK = 1024 * 1024;

/** A file of parts that is being written. Without a section, there is no file. */
export class PartsWriter {
  readonly file: number;
  private readonly place: StatePlace;
  private readonly header: Buffer;
  private handle: FileHandle | null = null;
  private chunk = Buffer.allocUnsafeSlow(2 * CHUNK);
  private used = 0;
  /** bytes that the file will have with what was added */
  private end = PARTS_HEADER_BYTES;

  constructor(place: StatePlace, platform: string) {
    this.place = place;
    this.file = 1 + Math.max(0, ...partsFilesOf(place));
    this.header = headerOf(platform, this.file);
  }

  get bytes(): number {
    return this.end;
  }

  /** @param bytes are copied */
  add(bytes: Uint8Array): Section {
    if (this.used + bytes.length > this.chunk.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(this.used + bytes.length, this.used * 2));
      this.chunk.copy(larger, 0, 0, this.used);
      this.chunk = larger;
    }
    this.chunk.set(bytes, this.used);
    this.used += bytes.length;
    const section = { file: this.file, at: this.end, bytes: bytes.length, crc: crc32(bytes) };
    this.end += bytes.length;
    return section;
  }

  isFull(): boolean {
    return this.used >= CHUNK;
  }

  async flush(): Promise<void> {
    if (this.used === 0) return;
    if (this.handle === null) {
      this.handle = await open(partsFile(this.place, this.file), 'wx');
      await this.handle.appendFile(this.header);
    }
    await this.handle.appendFile(this.chunk.subarray(0, this.used));
    this.used = 0;
  }

  /** All of it is durable. */
  async finish(): Promise<void> {
    await this.flush();
    await this.handle?.sync();
    await this.close();
  }

  private async close(): Promise<void> {
    const { handle } = this;
    this.handle = null;
    await handle?.close();
  }

  async discard(): Promise<void> {
    await this.close().catch(() => {});
    rmSync(partsFile(this.place, this.file), { force: true });
  }
}
