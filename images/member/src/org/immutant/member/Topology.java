package org.immutant.member;

import com.hazelcast.cluster.Address;
import com.hazelcast.cluster.Member;
import com.hazelcast.core.HazelcastInstance;
import com.hazelcast.instance.impl.HazelcastInstanceImpl;
import com.hazelcast.instance.impl.HazelcastInstanceProxy;
import com.hazelcast.internal.partition.InternalPartition;
import com.hazelcast.internal.partition.InternalPartitionService;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * Who owns and who backs up what, as this member knows it.
 *
 * <p>Hazelcast tells its clients the owners alone. Backups are read from its partition table, an
 * internal API: a new Hazelcast may move it, and the tests of the member would say so.
 */
final class Topology {
    private final HazelcastInstance instance;
    private final int owners;

    Topology(HazelcastInstance instance, int owners) {
        this.instance = instance;
        this.owners = owners;
    }

    /** All partitions: `self`, `members`, and for each partition indexes into `members`. */
    String partitions() {
        List<String> members =
                instance.getCluster().getMembers().stream()
                        .map(member -> text(member.getAddress()))
                        .collect(Collectors.toCollection(ArrayList::new));
        String replicas =
                Stream.of(service().getInternalPartitions())
                        .map(partition -> indexes(partition, members))
                        .collect(Json.list());
        return Json.object(
                "self", Json.string(text(instance.getCluster().getLocalMember().getAddress())),
                "members", members.stream().map(Json::string).collect(Json.list()),
                "replicas", replicas);
    }

    /** One key's partition and its members, the owner first. */
    String owners(String map, String key) {
        int partition = instance.getPartitionService().getPartition(key).getPartitionId();
        int replicas = 1 + instance.getConfig().findMapConfig(map).getTotalBackupCount();
        return Json.object(
                "partition", String.valueOf(partition),
                "members",
                        replicas(service().getPartition(partition), replicas)
                                .map(Json::string)
                                .collect(Json.list()));
    }

    /** Whether every entry is on all its owners. Asks the other members: a frozen one blocks it. */
    String safe() {
        return Json.object("safe", String.valueOf(instance.getPartitionService().isClusterSafe()));
    }

    /** The members that this one sees, itself included. */
    Set<Member> everyone() {
        return instance.getCluster().getMembers();
    }

    /** How many members there are. */
    int members() {
        return everyone().size();
    }

    /** Of how many partitions this member is the owner. */
    long owned() {
        return held(0, 1);
    }

    /** Of how many partitions this member keeps a backup. */
    long backedUp() {
        return held(1, owners);
    }

    /** Changes whenever who owns and backs up what does. */
    long version() {
        return service().getPartitionStateManager().getStamp();
    }

    /** How many partitions wait for their move; zero unless this member is the oldest. */
    long migrations() {
        return service().getMigrationManager().getMigrationQueueSize();
    }

    private long held(int from, int to) {
        Address self = instance.getCluster().getLocalMember().getAddress();
        return Stream.of(service().getInternalPartitions())
                .filter(
                        partition ->
                                IntStream.range(from, to)
                                        .mapToObj(partition::getReplica)
                                        .anyMatch(one -> one != null && one.address().equals(self)))
                .count();
    }

    /** A member that has just left the list of members may still be in the partition table. */
    private String indexes(InternalPartition partition, List<String> members) {
        return replicas(partition, owners)
                .map(members::indexOf)
                .filter(index -> index >= 0)
                .map(String::valueOf)
                .collect(Json.list());
    }

    private static Stream<String> replicas(InternalPartition partition, int count) {
        return IntStream.range(0, count)
                .mapToObj(partition::getReplica)
                .filter(Objects::nonNull)
                .map(replica -> text(replica.address()));
    }

    private InternalPartitionService service() {
        HazelcastInstanceImpl original = ((HazelcastInstanceProxy) instance).getOriginal();
        return original.node.getPartitionService();
    }

    private static String text(Address address) {
        String host = address.getHost();
        return (host.contains(":") ? "[" + host + "]" : host) + ":" + address.getPort();
    }
}
