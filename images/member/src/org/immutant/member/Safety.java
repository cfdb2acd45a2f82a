package org.immutant.member;

import com.hazelcast.cluster.Member;
import com.hazelcast.core.HazelcastInstance;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Collection;
import java.util.HexFormat;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.logging.Level;
import java.util.logging.Logger;
import java.util.stream.Collectors;

/**
 * Which members this one sees, and whether all that it owns is on its other owners too.
 *
 * <p>Hazelcast's answer to the second asks the oldest member and, partition by partition, the
 * backups; a frozen one keeps it waiting for 10 s and more. So a thread of its own asks. What it
 * found counts only as long as the members and the partition table are those that it was found for.
 */
final class Safety {
    /** How often it is looked whether Hazelcast is to be asked; so often it is while it says no. */
    private static final long LOOK_MILLIS = 250;

    /**
     * After this a good answer is asked for again though nothing has moved: a backup can miss a
     * write. Each answer costs a small message for each partition that this member owns.
     */
    private static final long GOOD_NANOS = TimeUnit.SECONDS.toNanos(5);

    private static final Logger LOG = Logger.getLogger(Safety.class.getName());

    /** What an answer is about: the lives of the members, and the version of the partition table. */
    private record State(Set<UUID> members, long partitions) {}

    private record Found(State about, long at) {}

    private final HazelcastInstance instance;
    private final Topology topology;
    private volatile Found safe;

    Safety(HazelcastInstance instance, Topology topology) {
        this.instance = instance;
        this.topology = topology;
    }

    /** From now on Hazelcast is asked. */
    void watch() {
        Looks.every("safety", LOOK_MILLIS, instance, this::look);
    }

    private void look() {
        try {
            State now = state(topology.everyone());
            Found last = safe;
            if (last != null && last.about.equals(now) && System.nanoTime() - last.at < GOOD_NANOS) {
                return;
            }
            boolean good = instance.getPartitionService().isLocalMemberSafe();
            safe = good ? new Found(now, System.nanoTime()) : null;
        } catch (RuntimeException failure) { // as in the middle of a merge; thrown on, it would be the last look
            safe = null;
            LOG.log(Level.FINE, "No look at the partitions", failure);
        }
    }

    /**
     * Whether all that this member owns is known to be on its other owners, as things are now. An
     * answer that is long in coming, since a member is frozen, is none.
     */
    boolean safe(Collection<Member> members) {
        Found last = safe;
        return last != null && System.nanoTime() - last.at < 2 * GOOD_NANOS && last.about.equals(state(members));
    }

    /**
     * A text that two members have in common if they see the same members, in the same lives of
     * theirs, and only then.
     */
    static String view(Collection<Member> members) {
        String all = members.stream().map(one -> one.getUuid().toString()).sorted().collect(Collectors.joining(","));
        try {
            byte[] digest = MessageDigest.getInstance("SHA-256").digest(all.getBytes(StandardCharsets.UTF_8));
            return HexFormat.of().formatHex(digest, 0, 8);
        } catch (NoSuchAlgorithmException impossible) {
            throw new IllegalStateException(impossible); // every JVM has it
        }
    }

    private State state(Collection<Member> members) {
        Set<UUID> lives = members.stream().map(Member::getUuid).collect(Collectors.toUnmodifiableSet());
        return new State(lives, topology.version());
    }
}
