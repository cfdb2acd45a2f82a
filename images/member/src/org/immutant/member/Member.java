package org.immutant.member;

import com.hazelcast.core.Hazelcast;
import com.hazelcast.core.HazelcastException;
import com.hazelcast.core.HazelcastInstance;
import com.hazelcast.core.LifecycleEvent;
import java.util.concurrent.atomic.AtomicReference;

/** One member, from its first look at the others to its leave; it may leave, stay, and come again. */
final class Member {
    private final Settings settings;
    private final TopologyServer server;
    private final AtomicReference<HazelcastInstance> instance = new AtomicReference<>();
    private volatile boolean leaving;
    private volatile Metrics metrics;

    private Member(Settings settings, TopologyServer server) {
        this.settings = settings;
        this.server = server;
    }

    /**
     * Starts a member; returns when it is in its cluster.
     *
     * @param settings what it was told
     * @throws Refusal it cannot listen
     * @throws InterruptedException the thread was interrupted
     */
    static Member start(Settings settings) throws InterruptedException {
        Member member = new Member(settings, TopologyServer.listen(settings.topology()));
        Runtime.getRuntime().addShutdownHook(new Thread(member::leave, "leave"));
        Metrics.listen(settings);
        member.server.control(member::joinAgain, member::leave);
        member.join();
        return member;
    }

    private void joinAgain() {
        try {
            join();
        } catch (InterruptedException ended) {
            Thread.currentThread().interrupt();
        }
    }

    /** Joins the others, or begins alone; nothing if it has. */
    private synchronized void join() throws InterruptedException {
        if (instance.get() != null) {
            return;
        }
        leaving = false;
        if (!settings.dns().isEmpty()) {
            new Discovery(settings).await();
        }
        try {
            Quorum quorum = new Quorum(settings);
            HazelcastInstance running = Hazelcast.newHazelcastInstance(GridConfig.of(settings, quorum));
            quorum.watch(running);
            Topology topology = new Topology(running, settings.owners());
            metrics = new Metrics(running, topology, quorum);
            metrics.register();
            instance.set(running);
            running.getLifecycleService().addLifecycleListener(quorum::turn);
            running.getLifecycleService().addLifecycleListener(this::noticeEnd);
            Safety safety = new Safety(running, topology);
            safety.watch();
            server.open(topology, quorum, safety);
        } catch (HazelcastException error) {
            throw new Refusal("The member cannot start: " + error.getMessage());
        }
    }

    /** Hazelcast ends by itself when memory runs out or the cluster refuses it: so does the process. */
    private void noticeEnd(LifecycleEvent event) {
        if (event.getState() == LifecycleEvent.LifecycleState.SHUTDOWN && !leaving) {
            Runtime.getRuntime().halt(Main.FAILED);
        }
    }

    /** Leaves: what this member alone owns goes to the others first. The process stays. */
    void leave() {
        leaving = true;
        server.close();
        HazelcastInstance running = instance.getAndSet(null);
        if (running != null) {
            metrics.unregister();
            running.shutdown();
        }
    }
}
