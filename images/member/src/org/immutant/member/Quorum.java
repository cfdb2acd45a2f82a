package org.immutant.member;

import com.hazelcast.cluster.Member;
import com.hazelcast.core.HazelcastInstance;
import com.hazelcast.core.LifecycleEvent;
import com.hazelcast.core.LifecycleEvent.LifecycleState;
import com.hazelcast.instance.impl.HazelcastInstanceImpl;
import com.hazelcast.instance.impl.HazelcastInstanceProxy;
import com.hazelcast.splitbrainprotection.HeartbeatAware;
import com.hazelcast.splitbrainprotection.SplitBrainProtectionFunction;
import com.hazelcast.splitbrainprotection.impl.SplitBrainProtectionServiceImpl;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.logging.Level;
import java.util.logging.Logger;
import java.util.stream.Collectors;

/**
 * Whether the members that this one sees may write, or are the smaller side of a split (rule 15).
 *
 * <p>The voters are the application's pods, which the sidecar beside this member knows by their
 * Leases. More than half of them may write. So may exactly half, as long as that sidecar's own Lease
 * is fresh and the others' say that they have gone: of two sides one at most can say so.
 *
 * <p>A member without a pod's name has no voters, and writes always. One that was not told yet has
 * just come, with nothing of its own: it follows those whom it has joined, and alone it may not write.
 */
final class Quorum implements SplitBrainProtectionFunction, HeartbeatAware {
    /** The attribute by which a member tells the others its pod's name. */
    static final String POD = "pod";

    /** The name of the protection in Hazelcast's configuration. */
    static final String PROTECTION = "quorum";

    /**
     * Hazelcast asks at each change of the members. A permission that ends with time is looked at
     * this often.
     */
    private static final long LOOK_MILLIS = 100;

    /**
     * A member that is silent for so long is not there, though Hazelcast has not given it up yet.
     *
     * <p>Hazelcast takes note of a member's loss first, and asks about the quorum after that. Writes
     * that waited for the lost member are carried out in between, with nobody to copy them to. So the
     * last of several that are cut off has to be silent before the first is given up; their last
     * heartbeats are up to one interval apart, and half of one is for late looks.
     */
    private static final long SILENCE_NANOS =
            TimeUnit.MILLISECONDS.toNanos(
                    1000 * GridConfig.NO_HEARTBEAT_SECONDS - 1500 * GridConfig.HEARTBEAT_SECONDS);

    private static final Logger LOG = Logger.getLogger(Quorum.class.getName());

    /**
     * What the sidecar says.
     *
     * @param voters the pods that have a say
     * @param gone those of them of which the Leases say that they have gone
     * @param until the System.nanoTime() up to which all this is fresh
     */
    record Ballot(Set<String> voters, Set<String> gone, long until) {
        boolean fresh() {
            return System.nanoTime() - until < 0;
        }
    }

    private final boolean named;
    private final Set<String> met = new HashSet<>();
    private final Map<UUID, Long> heard = new HashMap<>();
    private final Settled settled = new Settled();
    private Set<String> former = Set.of();
    private boolean led;
    private Ballot ballot;
    private volatile boolean writable;

    Quorum(Settings settings) {
        named = !settings.pod().isEmpty();
        writable = !named;
    }

    /** Takes what the sidecar says now, whatever it said before; whether this side may write. */
    synchronized boolean tell(Ballot told, Collection<Member> members) {
        if (told.fresh()) {
            met.clear();
        }
        ballot = told;
        return apply(members);
    }

    /** Whether this side may write, by the last look. */
    boolean writable() {
        return writable;
    }

    @Override
    public synchronized boolean apply(Collection<Member> members) {
        met.addAll(pods(members));
        List<Member> present = present(members);
        Set<String> here = pods(present);
        boolean may = !named || decide(here, present.size());
        if (!settled.merging()) {
            follow(here, may);
        }
        if (may != writable) {
            LOG.warning("This side of the grid may " + (may ? "write" : "not write: " + why(here)));
        }
        writable = may;
        return may;
    }

    /**
     * Whether this side goes on without others, so that it is its values that count at a merge: it has
     * been allowed to write since it last lost somebody.
     */
    private void follow(Set<String> here, boolean may) {
        if (!here.containsAll(former)) {
            led = false;
        }
        former = here;
        if (may && ballot != null) {
            led = !here.containsAll(ballot.voters());
        }
    }

    /** Hazelcast begins or ends a merge of this member, among other things. */
    synchronized void turn(LifecycleEvent event) {
        settled.turn(event.getState());
        if (event.getState() == LifecycleState.MERGING) {
            LeadersWin.lead(led);
        }
    }

    /**
     * Those of the members that are not silent, and have brought in what they had; a new one is heard
     * by its coming.
     */
    private List<Member> present(Collection<Member> members) {
        long now = System.nanoTime();
        heard.keySet().retainAll(members.stream().map(Member::getUuid).collect(Collectors.toSet()));
        return members.stream()
                .filter(one -> one.localMember() || isHeard(one, now))
                .filter(settled::contains)
                .toList();
    }

    private boolean isHeard(Member member, long now) {
        return now - heard.computeIfAbsent(member.getUuid(), first -> now) < SILENCE_NANOS;
    }

    private boolean decide(Set<String> here, int members) {
        if (ballot == null) {
            return members > 1;
        }
        Set<String> voters = voters();
        long votes = voters.stream().filter(here::contains).count();
        if (2 * votes != voters.size()) {
            return 2 * votes > voters.size();
        }
        return ballot.fresh()
                && voters.stream().allMatch(one -> here.contains(one) || ballot.gone().contains(one));
    }

    /**
     * Those whom the sidecar named; while its word is old, those too whom this member has met since
     * it was fresh: the sidecar has not heard of them, and they could be a majority elsewhere.
     */
    private Set<String> voters() {
        Set<String> voters = new HashSet<>(ballot.voters());
        if (!ballot.fresh()) {
            voters.addAll(met);
        }
        return voters;
    }

    private String why(Set<String> here) {
        return ballot == null
                ? "it has not been told yet whose votes count"
                : "of " + voters() + " it has " + here;
    }

    private static Set<String> pods(Collection<Member> members) {
        return members.stream()
                .map(member -> member.getAttribute(POD))
                .filter(pod -> pod != null)
                .collect(Collectors.toSet());
    }

    /** Hazelcast asks anew after each heartbeat. */
    @Override
    public synchronized void onHeartbeat(Member member, long timestamp) {
        heard.put(member.getUuid(), System.nanoTime());
    }

    /** Looks from now on also when nobody comes or goes. */
    void watch(HazelcastInstance instance) {
        HazelcastInstanceImpl original = ((HazelcastInstanceProxy) instance).getOriginal();
        SplitBrainProtectionServiceImpl service = original.node.nodeEngine.getSplitBrainProtectionService();
        settled.answer(instance);
        Looks.every("quorum", LOOK_MILLIS, instance, () -> look(instance, service));
    }

    /** A heartbeat of its own is what makes Hazelcast look; an internal way, which a test holds. */
    private void look(HazelcastInstance instance, SplitBrainProtectionServiceImpl service) {
        try {
            if (instance.getLifecycleService().isRunning()) {
                Member here = instance.getCluster().getLocalMember();
                Runnable again = () -> service.onHeartbeat(here, System.currentTimeMillis());
                again.run();
                settled.look(instance, again);
            }
        } catch (RuntimeException failure) { // as in the middle of a merge; thrown on, it would be the last look
            LOG.log(Level.FINE, "No look at the quorum", failure);
        }
    }
}
