package io.millrace.spark;

import java.io.IOException;
import org.apache.spark.scheduler.SparkListener;
import org.apache.spark.scheduler.SparkListenerStageSubmitted;
import org.apache.spark.scheduler.SparkListenerTaskEnd;

/** What the application says to the process that started it: lines of JSON on standard output. */
final class Reports extends SparkListener {
  private static final int ENDED_WITH_INPUT = 3;

  private int join;
  private int done;
  private int of;

  /** The next join begins. */
  synchronized void begin(int number) {
    join = number;
    done = 0;
    of = 0;
  }

  @Override
  public synchronized void onStageSubmitted(SparkListenerStageSubmitted stage) {
    of += stage.stageInfo().numTasks();
  }

  @Override
  public synchronized void onTaskEnd(SparkListenerTaskEnd task) {
    done++;
    System.out.println("{\"join\":" + join + ",\"done\":" + done + ",\"of\":" + of + "}");
  }

  static void failed(Throwable error) {
    Throwable cause = error;
    while (cause.getCause() != null) cause = cause.getCause();
    String text = cause.getClass().getSimpleName() + ": " + cause.getMessage();
    StringBuilder line = new StringBuilder("{\"error\":\"");
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c == '"' || c == '\\') line.append('\\').append(c);
      else if (c < ' ' || Character.isSurrogate(c)) line.append(String.format("\\u%04x", (int) c));
      else line.append(c);
    }
    System.out.println(line.append("\"}"));
  }

  /** Ends this process when its standard input ends: with the one that started it. */
  static void endWithInput() {
    Thread watch = new Thread(() -> {
      try {
        while (System.in.read() >= 0) continue;
      } catch (IOException e) {
        // It has ended as well.
      }
      Runtime.getRuntime().halt(ENDED_WITH_INPUT);
    }, "millrace-input");
    watch.setDaemon(true);
    watch.start();
  }
}
