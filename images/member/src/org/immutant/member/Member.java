package org.immutant.member;

import com.hazelcast.core.Hazelcast;
import com.hazelcast.core.HazelcastException;
import com.hazelcast.core.HazelcastInstance;
import com.hazelcast.core.LifecycleEvent;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;

/** One member, from its first look at the others to its leave; it may leave, stay, and come again. */
final class Member {
    /** For a join that has begun, at the end of the process. */
    private static final long PATIENCE_SECONDS = 5;

    private final Settings settings;
    private final TopologyServer server;

    /** Held while it joins or leaves: one comes to its end before the other begins. */
    private final ReentrantLock changing = new ReentrantLock();

    private HazelcastInstance instance;
    private Metrics metrics;
    private volatile boolean leaving;

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
        Runtime.getRuntime().addShutdownHook(new Thread(member::end, "leave"));
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
    private void join() throws InterruptedException {
        if (!settings.dns().isEmpty()) {
            new Discovery(settings).await();
        }
        changing.lock();
        try {
            if (instance == null) {
                begin();
            }
        } catch (HazelcastException error) {
            throw new Refusal("The member cannot start: " + error.getMessage());
        } finally {
            changing.unlock();
        }
    }

    private void begin() {
        leaving = false;
        Quorum quorum = new Quorum(settings);
        HazelcastInstance running = Hazelcast.newHazelcastInstance(GridConfig.of(settings, quorum));
        quorum.watch(running);
        running.getLifecycleService().addLifecycleListener(quorum::turn);
        running.getLifecycleService().addLifecycleListener(this::noticeEnd);
        Topology topology = new Topology(running, settings.owners());
        metrics = new Metrics(running, topology, quorum);
        metrics.register();
        Safety safety = new Safety(running, topology);
        safety.watch();
        instance = running;
        server.open(topology, quorum, safety);
    }

    /** Hazelcast ends by itself when memory runs out or the cluster refuses it: so does the process. */
    private void noticeEnd(LifecycleEvent event) {
        if (event.getState() == LifecycleEvent.LifecycleState.SHUTDOWN && !leaving) {
            Runtime.getRuntime().halt(Main.FAILED);
        }
    }

    /** Leaves: what this member alone owns goes to the others first. The process stays. */
    void leave() {
        changing.lock();
        try {
            if (instance != null) {
                leaving = true;
                server.close();
                metrics.unregister();
                instance.shutdown();
                instance = null;
            }
        } finally {
            changing.unlock();
        }
    }

    /** The process ends: with a leave, unless a join is in its way, which has nothing yet. */
    private void end() {
        try {
            if (changing.tryLock(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
                leave();
            }
        } catch (InterruptedException hurried) {
            Thread.currentThread().interrupt();
        }
    }
}
