package org.immutant.member;

import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;

/** Work that is done again and again beside Hazelcast's own. */
final class Looks {
    private Looks() {}

    /**
     * Begins now, in a thread of its own that does not keep the process.
     *
     * @param name the thread's
     * @param millis between the end of one look and the next
     * @param look what is done; what it throws would be its end
     */
    static void every(String name, long millis, Runnable look) {
        ScheduledExecutorService timer =
                Executors.newSingleThreadScheduledExecutor(
                        task -> {
                            Thread thread = new Thread(task, name);
                            thread.setDaemon(true);
                            return thread;
                        });
        timer.scheduleWithFixedDelay(look, 0, millis, TimeUnit.MILLISECONDS);
    }
}
