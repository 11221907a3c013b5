package io.millrace.iceberg;

import java.nio.file.Path;
import org.apache.iceberg.Table;

/** A writer in a separate process. */
final class AppendFromElsewhere {
  private AppendFromElsewhere() {}

  public static void main(String[] args) throws Exception {
    Table table = TestTable.open(Path.of(args[0]));
    for (long number = Long.parseLong(args[1]); number < Long.parseLong(args[2]); number++)
      TestTable.append(table, number);
  }
}
