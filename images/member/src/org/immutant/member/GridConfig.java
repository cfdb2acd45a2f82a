package org.immutant.member;

import com.hazelcast.config.Config;
import com.hazelcast.config.IndexConfig;
import com.hazelcast.config.IndexType;
import com.hazelcast.config.JavaSerializationFilterConfig;
import com.hazelcast.config.JoinConfig;
import com.hazelcast.config.MapConfig;
import com.hazelcast.config.MergePolicyConfig;
import com.hazelcast.config.NetworkConfig;
import com.hazelcast.config.QueueConfig;
import com.hazelcast.config.ReplicatedMapConfig;
import com.hazelcast.config.RestEndpointGroup;
import com.hazelcast.config.RingbufferConfig;
import com.hazelcast.config.SplitBrainProtectionConfig;
import com.hazelcast.spi.properties.ClusterProperty;
import com.hazelcast.splitbrainprotection.SplitBrainProtectionOn;
import java.util.Map;
import java.util.function.BiConsumer;

/**
 * Hazelcast's configuration.
 *
 * <p>Belongs here: every setting of Hazelcast that differs from its default, with the reason. One
 * default holds for all maps and queues but those behind the runtime's queues.
 */
final class GridConfig {
    /** Seconds from one of a member's heartbeats to the next. */
    static final int HEARTBEAT_SECONDS = 1;

    /** Seconds without one after which a member is suspected. */
    static final int NO_HEARTBEAT_SECONDS = 4;

    private GridConfig() {}

    /** The configuration of a member with these settings, which writes as that quorum says. */
    static Config of(Settings settings, Quorum quorum) {
        Config config = new Config();
        config.setClusterName(settings.grid());
        network(config.getNetworkConfig(), settings);
        structures(config, settings.owners() - 1);
        split(config, settings, quorum);
        serialization(config);
        failureDetection(config);
        surroundings(config, settings);
        return config;
    }

    // The health check is deprecated in favour of the Enterprise edition's.
    @SuppressWarnings({"deprecation", "removal"})
    private static void network(NetworkConfig network, Settings settings) {
        network.setPort(settings.port()).setPortAutoIncrement(false);
        network.setPublicAddress(bracketed(settings) + ":" + settings.port());
        // The kubelet asks for /hazelcast/health; the other groups would let anyone read and write.
        network.getRestApiConfig()
                .setEnabled(true)
                .disableAllGroups()
                .enableGroups(RestEndpointGroup.HEALTH_CHECK);
        JoinConfig join = network.getJoin();
        join.getAutoDetectionConfig().setEnabled(false);
        join.getMulticastConfig().setEnabled(false);
        if (settings.dns().isEmpty()) {
            join.getTcpIpConfig().setEnabled(true).setMembers(settings.seeds());
        } else {
            join.getKubernetesConfig()
                    .setEnabled(true)
                    .setProperty("service-dns", settings.dns())
                    .setProperty("service-port", String.valueOf(settings.port()));
        }
    }

    private static String bracketed(Settings settings) {
        String address = settings.address().getHostAddress();
        return address.contains(":") ? "[" + address + "]" : address;
    }

    /**
     * Every entry is on all its owners before its write is acknowledged, nothing is evicted, and at
     * a merge what the side has that was allowed to write stays: the other one may have gone on until
     * it noticed the split, and a client that was told of a write must find it.
     */
    private static void structures(Config config, int backups) {
        MergePolicyConfig keep = new MergePolicyConfig(LeadersWin.class.getName(), 100);
        config.addMapConfig(
                new MapConfig("default").setBackupCount(backups).setMergePolicyConfig(keep));
        config.addQueueConfig(
                new QueueConfig("default").setBackupCount(backups).setMergePolicyConfig(keep));
        messages(config, backups, keep);
        topics(config, backups, keep);
        config.addRingBufferConfig(
                new RingbufferConfig("default").setBackupCount(backups).setMergePolicyConfig(keep));
        config.addReplicatedMapConfig(new ReplicatedMapConfig("default").setMergePolicyConfig(keep));
    }

    /**
     * What the runtime's queues need (immutant.grid in the runtime): records found by their state and
     * by when they wake, keys dispatched in their order, and a counter that keeps no items.
     */
    private static void messages(Config config, int backups, MergePolicyConfig keep) {
        config.addMapConfig(
                new MapConfig("queue.*")
                        .setBackupCount(backups)
                        .setMergePolicyConfig(keep)
                        .addIndexConfig(new IndexConfig(IndexType.HASH, "s"))
                        .addIndexConfig(new IndexConfig(IndexType.SORTED, "w")));
        config.addQueueConfig(
                new QueueConfig("dispatch.*")
                        .setBackupCount(backups)
                        .setMergePolicyConfig(keep)
                        .setPriorityComparatorClassName(DispatchOrder.class.getName()));
        config.addRingBufferConfig(
                new RingbufferConfig("order.*")
                        .setBackupCount(backups)
                        .setCapacity(1)
                        .setMergePolicyConfig(keep));
    }

    /**
     * A topic's ring serves those who listen now, and what it keeps is in the heaps of two members:
     * no more than a listener needs to get over a failover or a pause of its own.
     */
    private static void topics(Config config, int backups, MergePolicyConfig keep) {
        config.addRingBufferConfig(
                new RingbufferConfig("topic.*")
                        .setBackupCount(backups)
                        .setCapacity(1000)
                        .setTimeToLiveSeconds(60)
                        .setMergePolicyConfig(keep));
    }

    /**
     * Writes are for the larger side. Reads go on: what they find may be older than what the other
     * side has.
     */
    private static void split(Config config, Settings settings, Quorum quorum) {
        if (!settings.pod().isEmpty()) {
            config.getMemberAttributeConfig().setAttribute(Quorum.POD, settings.pod());
        }
        config.addSplitBrainProtectionConfig(
                new SplitBrainProtectionConfig(Quorum.PROTECTION, true)
                        .setProtectOn(SplitBrainProtectionOn.WRITE)
                        .setFunctionImplementation(quorum));
        each(config.getMapConfigs(), MapConfig::setSplitBrainProtectionName);
        each(config.getQueueConfigs(), QueueConfig::setSplitBrainProtectionName);
        each(config.getRingbufferConfigs(), RingbufferConfig::setSplitBrainProtectionName);
        each(config.getReplicatedMapConfigs(), ReplicatedMapConfig::setSplitBrainProtectionName);
    }

    private static <C> void each(Map<String, C> structures, BiConsumer<C, String> protect) {
        structures.values().forEach(structure -> protect.accept(structure, Quorum.PROTECTION));
    }

    /**
     * Members send each other exceptions as Java objects; all else has formats of its own. Whoever
     * reaches the port may send one too, so nothing is made of any other class.
     */
    private static void serialization(Config config) {
        JavaSerializationFilterConfig filter = new JavaSerializationFilterConfig();
        filter.setDefaultsDisabled(true);
        filter.getWhitelist()
                .addPrefixes(
                        "[", "com.hazelcast.", "java.io.", "java.lang.", "java.math.", "java.net.",
                        "java.util.");
        config.getSerializationConfig()
                .setJavaSerializationFilterConfig(filter)
                .addDataSerializableFactoryClass(Identified.FACTORY, Identified.class.getName());
    }

    /**
     * A member that is frozen or cut off blocks every call to its partitions until it is suspected,
     * and failovers are to end within 5 s: hence heartbeats each second and suspicion after 4 s
     * (Hazelcast's defaults are 5 s and 60 s). One that comes back finds the cluster again by the
     * merge task, which by default first runs after 5 minutes.
     */
    private static void failureDetection(Config config) {
        set(config, ClusterProperty.HEARTBEAT_INTERVAL_SECONDS.getName(), HEARTBEAT_SECONDS);
        set(config, ClusterProperty.MAX_NO_HEARTBEAT_SECONDS.getName(), NO_HEARTBEAT_SECONDS);
        set(config, ClusterProperty.MERGE_FIRST_RUN_DELAY_SECONDS.getName(), 5);
        set(config, ClusterProperty.MERGE_NEXT_RUN_DELAY_SECONDS.getName(), 5);
        // While a partition moves, its former owner would go on to answer reads, also once the new one
        // takes writes: who reads there does not find what was acknowledged to it.
        set(config, ClusterProperty.DISABLE_STALE_READ_ON_PARTITION_MIGRATION.getName(), true);
        // Partitions are placed at their first use: a founder need not wait for those who come later.
        set(config, ClusterProperty.WAIT_SECONDS_BEFORE_JOIN.getName(), 0);
    }

    private static void surroundings(Config config, Settings settings) {
        boolean everywhere = !settings.address().isLoopbackAddress();
        set(config, ClusterProperty.SOCKET_BIND_ANY.getName(), everywhere);
        set(config, ClusterProperty.PREFER_IPv4_STACK.getName(), !bracketed(settings).startsWith("["));
        // Hazelcast resolves no name and guesses no interface where this is set.
        System.setProperty("hazelcast.local.localAddress", settings.address().getHostAddress());
        set(config, ClusterProperty.PHONE_HOME_ENABLED.getName(), false);
        // Near caches learn of a change at once; batches of invalidations are up to 10 s late.
        set(config, ClusterProperty.MAP_INVALIDATION_MESSAGE_BATCH_ENABLED.getName(), false);
        // Leaving is Main's to do, which tells an exit on purpose from one by mistake.
        set(config, ClusterProperty.SHUTDOWNHOOK_ENABLED.getName(), false);
        set(config, ClusterProperty.GRACEFUL_SHUTDOWN_MAX_WAIT.getName(), 20);
        set(config, ClusterProperty.LOGGING_TYPE.getName(), "jdk");
        set(config, ClusterProperty.LOGGING_ENABLE_DETAILS.getName(), false);
        set(config, "hazelcast.logging.emoji.enabled", false);
    }

    private static void set(Config config, String property, Object value) {
        config.setProperty(property, String.valueOf(value));
    }
}
