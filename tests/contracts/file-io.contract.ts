/** Every adapter of FileIO runs this suite: one test a promise of domain/ports/file-io.ts. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type FileIO, joinUri, nameOf } from '#domain/ports/file-io.ts';

export interface FileIOUnderTest {
  readonly files: FileIO;
  /** a directory that is empty, and not made yet */
  readonly directory: string;
  /**
   * A module that exports `localFiles(): FileIO`, for a process that is killed while it writes to
   * `directory`.
   */
  readonly module: string;
  /** a directory whose storage takes less than a mebibyte; null: this machine has none */
  readonly full: string | null;
  close(): Promise<void> | void;
}

const text = (bytes: Uint8Array | null): string | null =>
  bytes === null ? null : Buffer.from(bytes).toString();

const ODD_NAMES = [
  'with space',
  'a#b?c%d',
  '100%25',
  'date_day=2024-01-01',
  "plus+and&comma,semi;colon:at@dollar$quote'(!)*",
  'é東京🛫',
  '[{"back\\slash"}]|^`<>',
  '.hidden',
];

export const fileIOContract = (name: string, open: () => Promise<FileIOUnderTest>): void => {
  describe(`FileIO contract: ${name}`, () => {
    let under: FileIOUnderTest;
    let files: FileIO;
    const at = (...names: readonly string[]): string => joinUri(under.directory, ...names);
    const names = async (directory = under.directory): Promise<string[]> =>
      (await files.list(directory)).map((uri) => uri.slice(under.directory.length + 1));

    beforeEach(async () => {
      under = await open();
      files = under.files;
    });
    afterEach(() => under.close());

    test('an absent file is an answer, not an error', async () => {
      expect(await files.read(at('none'))).toBeNull();
      expect(await files.readRange(at('none'), 0, 1)).toBeNull();
      expect(await files.stat(at('none'))).toBeNull();
      expect(await files.list(at('none'))).toEqual([]);
      await files.delete(at('none'));
      await files.deleteDirectory(at('none'));
      expect(await files.deleteUnfinished(at('none'))).toBe(0);
    });

    test('a file that is written is read, and seen by stat and list', async () => {
      const before = Date.now();
      await files.write(at('deep', 'down', 'file'), 'some é text');
      expect(text(await files.read(at('deep', 'down', 'file')))).toBe('some é text');
      const info = await files.stat(at('deep', 'down', 'file'));
      expect(info?.bytes).toBe(12);
      expect(Math.abs((info?.modifiedAt ?? 0) - before)).toBeLessThan(60_000);
      expect(await files.list(under.directory)).toEqual([at('deep', 'down', 'file')]);
      expect(await files.stat(at('deep', 'down'))).toBeNull();
    });

    test('a name that is durable later is seen at once', async () => {
      await files.write(at('first'), 'one', { name: 'later' });
      expect(text(await files.read(at('first')))).toBe('one');
      await files.write(at('second'), 'two');
      expect(await names()).toEqual(['first', 'second']);
    });

    test('a second write replaces the whole content', async () => {
      await files.write(at('file'), 'a long first content');
      await files.write(at('file'), new Uint8Array([7]));
      expect(await files.read(at('file'))).toEqual(Buffer.from([7]));
      expect(await names()).toEqual(['file']);
      await files.write(at('file'), '');
      expect((await files.stat(at('file')))?.bytes).toBe(0);
      expect(await files.read(at('file'))).toHaveLength(0);
    });

    test('create makes a file once and never replaces it', async () => {
      expect(await files.create(at('new', 'file'), 'first')).toBe(true);
      expect(await files.create(at('new', 'file'), 'second')).toBe(false);
      expect(text(await files.read(at('new', 'file')))).toBe('first');
      await files.delete(at('new', 'file'));
      expect(await files.create(at('new', 'file'), 'third')).toBe(true);
    });

    test('of creates that race for a name, one wins, and the file is its own', async () => {
      for (let round = 0; round < 20; round++) {
        const contents = Array.from({ length: 8 }, (_, i) => `${i}`.repeat(5000));
        const made = await Promise.all(
          contents.map((content) => files.create(at(`round-${round}`), content)),
        );
        expect(made.filter(Boolean)).toHaveLength(1);
        expect(text(await files.read(at(`round-${round}`)))).toBe(contents[made.indexOf(true)]);
      }
      expect(await names()).toHaveLength(20);
    });

    test('of writes that race for a name, one is there whole', async () => {
      const contents = Array.from({ length: 8 }, (_, i) => `${i}`.repeat(50_000));
      await Promise.all(contents.map((content) => files.write(at('file'), content)));
      expect(contents).toContain(text(await files.read(at('file'))));
      expect(await names()).toEqual(['file']);
    });

    test('a range ends with the file', async () => {
      await files.write(at('file'), '0123456789');
      const range = async (start: number, length: number): Promise<string | null> =>
        text(await files.readRange(at('file'), start, length));
      expect(await range(0, 10)).toBe('0123456789');
      expect(await range(0, 1)).toBe('0');
      expect(await range(9, 1)).toBe('9');
      expect(await range(3, 4)).toBe('3456');
      expect(await range(8, 100)).toBe('89');
      expect(await range(5, 0)).toBe('');
      expect(await range(10, 5)).toBe('');
      expect(await range(11, 5)).toBe('');
      expect(await range(0, Number.MAX_SAFE_INTEGER)).toBe('0123456789');
      for (const [start, length] of [
        [-1, 2],
        [0, -1],
        [0.5, 1],
        [0, Number.NaN],
      ] as const)
        await expect(files.readRange(at('file'), start, length)).rejects.toThrow(RangeError);
    });

    test('any name is one file, and one URI', async () => {
      for (const name of ODD_NAMES) {
        await files.write(at(name, name), name);
        expect(await files.create(at(name, name), 'again')).toBe(false);
      }
      const listed = await files.list(under.directory);
      expect(listed).toEqual(ODD_NAMES.map((name) => at(name, name)).sort());
      for (const uri of listed) {
        expect(text(await files.read(uri))).toBe(nameOf(uri));
        expect(uri).toMatch(/^[\w.~!$&'()*+,;=:@%/-]+$/);
      }
      expect(await files.list(at('a#b?c%d'))).toEqual([at('a#b?c%d', 'a#b?c%d')]);
      for (const name of ODD_NAMES) await files.deleteDirectory(at(name));
      expect(await files.list(under.directory)).toEqual([]);
    });

    test('a location that is none of its own is refused', async () => {
      const [scheme] = under.directory.split('://') as [string];
      for (const uri of [
        '/no/scheme',
        'relative',
        'other://bucket/file',
        `${scheme}:///a/%2E%2E/b`,
        `${scheme}:///a%2Fb`,
        `${scheme}:///a%00b`,
        `${scheme}:///a%zz`,
      ])
        await expect(files.read(uri), uri).rejects.toMatchObject({ code: 'MR_STORAGE_FAILED' });
    });

    test('a large file comes back byte for byte, whole and in ranges', async () => {
      const size = 10 * 2 ** 20 + 13;
      const content = new Uint8Array(size);
      for (let i = 0; i < size; i++) content[i] = (i * 31 + (i >> 11)) & 255;
      await files.write(at('large'), content);
      expect((await files.stat(at('large')))?.bytes).toBe(size);
      expect(Buffer.compare((await files.read(at('large'))) as Uint8Array, content)).toBe(0);
      const middle = (await files.readRange(at('large'), 5_000_001, 4_000_000)) as Uint8Array;
      expect(Buffer.compare(middle, content.subarray(5_000_001, 9_000_001))).toBe(0);
    });

    test('list goes to any depth, each file once, in the order of the URIs', async () => {
      const written = ['b', 'a/z', 'a/b/c', 'a b', 'B', 'a-b', 'a/b/c d'];
      for (const name of written) await files.write(at(...name.split('/')), name);
      const expected = written.map((name) => at(...name.split('/'))).sort();
      expect(await files.list(under.directory)).toEqual(expected);
      expect(await files.list(`${under.directory}/`)).toEqual(expected);
      expect(await names(at('a'))).toEqual(['a/b/c', 'a/b/c%20d', 'a/z']);
    });

    test('a file that stays is listed while others come and go', async () => {
      await files.write(at('stays', 'file'), 'x');
      let busy = true;
      const others = (async () => {
        for (let i = 0; busy; i++) {
          await files.write(at(`goes-${i % 3}`, 'sub', 'file'), 'y');
          await files.deleteDirectory(at(`goes-${(i + 1) % 3}`));
        }
      })();
      for (let i = 0; i < 100; i++)
        expect((await names()).filter((name) => name === 'stays/file')).toHaveLength(1);
      busy = false;
      await others;
    });

    test('what is deleted is gone; what is beside it stays', async () => {
      for (const name of ['a/1', 'a/2', 'ab/1', 'b']) await files.write(at(...name.split('/')), '');
      await files.delete(at('a', '1'));
      expect(await files.read(at('a', '1'))).toBeNull();
      expect(await names()).toEqual(['a/2', 'ab/1', 'b']);
      await files.deleteDirectory(at('a'));
      expect(await names()).toEqual(['ab/1', 'b']);
      await files.delete(at('b'));
      expect(await names()).toEqual(['ab/1']);
    });

    test('an engine reads the files, and its own become files when they are published', async () => {
      await files.write(at('in 1'), 'one');
      await files.write(at('in 2'), 'two');
      const readable = await files.engine.readable([at('in 2'), at('in 1')]);
      if (readable.every((path) => path.startsWith('/')))
        expect(await Promise.all(readable.map((path) => readFile(path, 'utf8')))).toEqual([
          'two',
          'one',
        ]);
      const staging = await files.engine.stage(at('data %'));
      expect((await stat(staging)).isDirectory()).toBe(true);
      const made = [join(staging, 'x 1.parquet'), join(staging, 'x%2.parquet')];
      for (const path of made) await writeFile(path, path);
      await files.engine.publish(at('data %'), made);
      expect(await files.list(at('data %'))).toEqual(
        [at('data %', 'x 1.parquet'), at('data %', 'x%2.parquet')].sort(),
      );
      expect(text(await files.read(at('data %', 'x%2.parquet')))).toBe(made[1]);
      await files.engine.publish(at('data %'), []);
    });

    test('a write that is killed leaves a whole file or none', { timeout: 60_000 }, async () => {
      const script = `
        const { localFiles: openFiles } = await import(${JSON.stringify(under.module)});
        const files = openFiles();
        console.log('ready');
        for (let i = 0; ; i++) {
          const content = Buffer.alloc(3_000_000, 97 + (i % 26));
          await files.write(${JSON.stringify(at('same'))}, content);
          await files.create(${JSON.stringify(under.directory)} + '/new-' + process.pid + '-' + i, content);
        }`;
      for (const delay of [5, 30, 70, 130]) {
        const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
          cwd: join(import.meta.dirname, '../..'),
          stdio: ['ignore', 'pipe', 'inherit'],
        });
        await once(child.stdout, 'data');
        await new Promise((done) => setTimeout(done, delay));
        child.kill('SIGKILL');
        await once(child, 'exit');
        for (const uri of await files.list(under.directory)) {
          const bytes = (await files.read(uri)) as Uint8Array;
          expect(bytes.length, uri).toBe(3_000_000);
          expect(Buffer.compare(bytes, Buffer.alloc(bytes.length, bytes[0]))).toBe(0);
        }
      }
      const whole = await files.list(under.directory);
      await files.deleteUnfinished(under.directory);
      expect(await files.list(under.directory)).toEqual(whole);
      expect(await files.deleteUnfinished(under.directory)).toBe(0);
    });

    test('full storage is refused, and nothing of the file is left', async (context) => {
      const { full } = under;
      // This machine may not mount a small file system, or the adapter has none to fill.
      if (full === null) return context.skip('there is no full storage to write to');
      const content = new Uint8Array(2 ** 21);
      for (const refused of [
        () => files.write(joinUri(full, 'file'), content),
        () => files.create(joinUri(full, 'new'), content),
      ])
        await expect(refused()).rejects.toMatchObject({ code: 'MR_DISK_FULL' });
      expect(await files.list(full)).toEqual([]);
      expect(await files.deleteUnfinished(full)).toBe(0);
      await files.write(joinUri(full, 'small'), 'x');
      await expect(files.write(joinUri(full, 'small'), content)).rejects.toMatchObject({
        code: 'MR_DISK_FULL',
      });
      expect(text(await files.read(joinUri(full, 'small')))).toBe('x');
    });
  });
};
