package io.millrace.iceberg;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.iceberg.LockManager;

/**
 * One commit at a time to a table on a local file system, whichever process makes it. A Hadoop
 * table commits by "does the next version exist? no: rename", and a local rename overwrites: of two
 * that look at once, the first's commit would be lost. Iceberg's own lock is within one JVM; this
 * one is the operating system's, on a file beside the versions, so that a process that dies leaves
 * it free.
 *
 * The system's lock is the whole process's, and closing any channel to the file gives it up. So
 * within the process a table is claimed in a map first, and nobody opens the file but who has
 * claimed it.
 */
public final class FileLocks implements LockManager {
  private static final String NAME = ".commit.lock";
  private static final long DEADLINE_MS = 60_000;
  private static final long POLL_MS = 10;

  private record Held(String owner, FileChannel channel, FileLock lock) {}

  private static final ConcurrentHashMap<Path, Held> HELD = new ConcurrentHashMap<>();

  @Override
  public void initialize(Map<String, String> properties) {}

  /** @param entityId the version's file; every version of a table has the same lock */
  @Override
  public boolean acquire(String entityId, String ownerId) {
    Path file = lockFile(entityId);
    long deadline = System.currentTimeMillis() + DEADLINE_MS;
    try {
      while (HELD.putIfAbsent(file, new Held(ownerId, null, null)) != null) {
        if (System.currentTimeMillis() > deadline) return false;
        Thread.sleep(POLL_MS);
      }
      if (lock(file, ownerId, deadline)) return true;
      HELD.remove(file);
      return false;
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
      return false;
    }
  }

  private static boolean lock(Path file, String owner, long deadline) throws InterruptedException {
    try {
      Files.createDirectories(file.getParent());
      FileChannel channel =
          FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
      for (FileLock lock = channel.tryLock(); ; lock = channel.tryLock()) {
        if (lock != null) {
          HELD.put(file, new Held(owner, channel, lock));
          return true;
        }
        if (System.currentTimeMillis() > deadline) {
          channel.close();
          return false;
        }
        Thread.sleep(POLL_MS);
      }
    } catch (IOException failed) {
      return false;
    }
  }

  @Override
  public boolean release(String entityId, String ownerId) {
    Path file = lockFile(entityId);
    Held held = HELD.get(file);
    if (held == null || held.lock() == null || !held.owner().equals(ownerId)) return false;
    try {
      held.channel().close();
    } catch (IOException closed) {
      return false;
    } finally {
      HELD.remove(file);
    }
    return true;
  }

  @Override
  public void close() {}

  private static Path lockFile(String entityId) {
    return Path.of(entityId.replaceFirst("^file:/+", "/")).resolveSibling(NAME);
  }
}
