package org.immutant.member;

import com.hazelcast.core.HazelcastInstance;
import com.hazelcast.core.LifecycleEvent.LifecycleState;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;

/** Work that is done again and again beside Hazelcast's own. */
final class Looks {
    private Looks() {}

    /**
     * Begins now, in a thread of its own that does not keep the process; ends with the member's life.
     *
     * @param name the thread's
     * @param millis between the end of one look and the next
     * @param instance the member
     * @param look what is done; what it throws would be its end
     */
    static void every(String name, long millis, HazelcastInstance instance, Runnable look) {
        ScheduledExecutorService timer =
                Executors.newSingleThreadScheduledExecutor(
                        task -> {
                            Thread thread = new Thread(task, name);
                            thread.setDaemon(true);
                            return thread;
                        });
        timer.scheduleWithFixedDelay(look, 0, millis, TimeUnit.MILLISECONDS);
        instance.getLifecycleService()
                .addLifecycleListener(
                        event -> {
                            if (event.getState() == LifecycleState.SHUTDOWN) {
                                timer.shutdown();
                            }
                        });
    }
}
