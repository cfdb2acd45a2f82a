package org.immutant.member;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.logging.Formatter;
import java.util.logging.Level;
import java.util.logging.LogManager;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import java.util.logging.StreamHandler;

/** The log: one line a record on standard output, and of Hazelcast's records those worth reading. */
final class LogLines extends Formatter {
    /** Hazelcast narrates its start; from these a reader learns who is in the cluster. */
    private static final String[] TOLD = {
        "com.hazelcast.core.LifecycleService",
        "com.hazelcast.internal.cluster.ClusterService",
        "org.immutant",
    };

    // Loggers that nothing refers to are forgotten with their level.
    private static final Logger[] KEPT = new Logger[TOLD.length + 1];

    /** Installs it for the whole process. */
    static void install() {
        LogManager.getLogManager().reset();
        StreamHandler handler =
                new StreamHandler(System.out, new LogLines()) {
                    @Override
                    public synchronized void publish(LogRecord line) {
                        super.publish(line);
                        flush();
                    }
                };
        handler.setLevel(Level.ALL);
        KEPT[TOLD.length] = Logger.getLogger("");
        KEPT[TOLD.length].addHandler(handler);
        KEPT[TOLD.length].setLevel(Level.WARNING);
        for (int i = 0; i < TOLD.length; i++) {
            KEPT[i] = Logger.getLogger(TOLD[i]);
            KEPT[i].setLevel(Level.INFO);
        }
    }

    @Override
    public String format(LogRecord line) {
        String text = formatMessage(line).strip().replaceAll("\\s*\\R\\s*", " ");
        String source = line.getLoggerName().replaceAll(".*\\.", "");
        return String.format(
                "%s %s %s: %s%s%n",
                line.getInstant(), line.getLevel(), source, text, trace(line.getThrown()));
    }

    private static String trace(Throwable thrown) {
        if (thrown == null) {
            return "";
        }
        StringWriter trace = new StringWriter();
        thrown.printStackTrace(new PrintWriter(trace));
        return System.lineSeparator() + trace.toString().stripTrailing();
    }
}
