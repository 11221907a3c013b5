package io.millrace.flink;

import io.millrace.join.JoinedView;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Plans of joins, from files in a directory that all of Flink's servers have. */
final class JoinPlans {
  private JoinPlans() {}

  static JoinedView view(String path) {
    try {
      return new JoinedView(Files.readString(Path.of(path)));
    } catch (IOException e) {
      throw new UncheckedIOException("the plan of the join cannot be read: " + path, e);
    }
  }
}
