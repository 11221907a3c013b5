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
 * Allows one commit at a time to a table on a local file system, over all processes. A Hadoop table
 * commits with a check that the next version does not exist and a rename, and a local rename
 * overwrites. If two processes check at the same time, the first commit would be lost. Iceberg's
 * own lock works only within one JVM. This lock is the operating system's, on a file in the
 * directory of the versions, and it is released when a process dies.
 *
 * The system's lock belongs to the whole process, and closing any channel to the file releases it.
 * So within the process, a thread first claims the table in a map, and only that thread opens the
 * file.
 */
public final class FileLocks implements LockManager {
  private static final String NAME = ".commit.lock";
  private static final long DEADLINE_MS = 60_000;
  private static final long POLL_MS = 10;

  private record Claim(String owner, FileChannel channel, FileLock lock) {}

  private static final ConcurrentHashMap<Path, Claim> CLAIMS = new ConcurrentHashMap<>();

  @Override
  public void initialize(Map<String, String> properties) {}

  /** @param entityId the file of a version; all versions of a table share one lock */
  @Override
  public boolean acquire(String entityId, String ownerId) {
    Path file = lockFile(entityId);
    long deadline = System.currentTimeMillis() + DEADLINE_MS;
    try {
      while (CLAIMS.putIfAbsent(file, new Claim(ownerId, null, null)) != null) {
        if (System.currentTimeMillis() > deadline) return false;
        Thread.sleep(POLL_MS);
      }
      if (lock(file, ownerId, deadline)) return true;
      CLAIMS.remove(file);
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
          CLAIMS.put(file, new Claim(owner, channel, lock));
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
    Claim claim = CLAIMS.get(file);
    if (claim == null || claim.lock() == null || !claim.owner().equals(ownerId)) return false;
    try {
      claim.channel().close();
    } catch (IOException closed) {
      return false;
    } finally {
      CLAIMS.remove(file);
    }
    return true;
  }

  @Override
  public void close() {}

  private static Path lockFile(String entityId) {
    return Path.of(entityId.replaceFirst("^file:/+", "/")).resolveSibling(NAME);
  }
}
