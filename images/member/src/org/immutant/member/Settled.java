package org.immutant.member;

import com.hazelcast.cluster.Member;
import com.hazelcast.core.ExecutionCallback;
import com.hazelcast.core.HazelcastInstance;
import com.hazelcast.core.HazelcastInstanceAware;
import com.hazelcast.core.IExecutorService;
import com.hazelcast.core.LifecycleEvent.LifecycleState;
import com.hazelcast.nio.ObjectDataInput;
import com.hazelcast.nio.ObjectDataOutput;
import com.hazelcast.nio.serialization.HazelcastSerializationException;
import com.hazelcast.nio.serialization.IdentifiedDataSerializable;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;

/**
 * Which members have brought in what they had.
 *
 * <p>A member that merges is in the list of members before its entries are: what is written until
 * then is written on top of older values, and one of the two is lost. Each member is asked once,
 * after it has come, until it says that it does not merge any more.
 */
final class Settled {
    private static final String EXECUTOR = "settled";

    private final Set<UUID> settled = ConcurrentHashMap.newKeySet();
    private final Set<UUID> asked = ConcurrentHashMap.newKeySet();
    private volatile boolean merging;
    private volatile boolean started;

    /** What the others ask is answered from now on. */
    void answer(HazelcastInstance instance) {
        instance.getUserContext().put(EXECUTOR, this);
        started = true;
    }

    /** Whether a member counts; those do whom this one has met at its own coming. */
    boolean contains(Member member) {
        if (!started) {
            settled.add(member.getUuid());
        }
        return member.localMember() ? !merging : settled.contains(member.getUuid());
    }

    /** Whether this member merges. */
    boolean merging() {
        return merging;
    }

    /** Takes note of what Hazelcast does. */
    void turn(LifecycleState state) {
        if (state == LifecycleState.MERGING) {
            merging = true;
        } else if (state == LifecycleState.MERGED || state == LifecycleState.MERGE_FAILED) {
            merging = false;
        }
    }

    /** Asks those who do not count yet; `then` is called when one does. */
    void look(HazelcastInstance instance, Runnable then) {
        Set<Member> members = instance.getCluster().getMembers();
        settled.retainAll(members.stream().map(Member::getUuid).collect(Collectors.toSet()));
        IExecutorService executor = instance.getExecutorService(EXECUTOR);
        for (Member member : members) {
            UUID uuid = member.getUuid();
            if (!member.localMember() && !settled.contains(uuid) && asked.add(uuid)) {
                executor.submitToMember(new Question(), member, new Answer(uuid, then));
            }
        }
    }

    /** What becomes of an answer. */
    private final class Answer implements ExecutionCallback<Boolean> {
        private final UUID uuid;
        private final Runnable then;

        Answer(UUID uuid, Runnable then) {
            this.uuid = uuid;
            this.then = then;
        }

        @Override
        public void onResponse(Boolean isSettled) {
            asked.remove(uuid);
            if (isSettled) {
                settled.add(uuid);
                then.run();
            }
        }

        /** A member of a version before does not know the question: it counts, as it did there. */
        @Override
        public void onFailure(Throwable failure) {
            onResponse(failure instanceof HazelcastSerializationException);
        }
    }

    /** Whether the member that is asked does not merge. */
    static final class Question
            implements Callable<Boolean>, HazelcastInstanceAware, IdentifiedDataSerializable {
        private transient HazelcastInstance instance;

        @Override
        public Boolean call() {
            return instance.getUserContext().get(EXECUTOR) instanceof Settled here && !here.merging();
        }

        @Override
        public void setHazelcastInstance(HazelcastInstance asked) {
            instance = asked;
        }

        @Override
        public void writeData(ObjectDataOutput out) {}

        @Override
        public void readData(ObjectDataInput in) {}

        @Override
        public int getFactoryId() {
            return Identified.FACTORY;
        }

        @Override
        public int getClassId() {
            return Identified.SETTLED;
        }
    }
}
