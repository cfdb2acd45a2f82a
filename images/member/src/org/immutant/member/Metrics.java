package org.immutant.member;

import com.hazelcast.collection.IQueue;
import com.hazelcast.collection.LocalQueueStats;
import com.hazelcast.core.DistributedObject;
import com.hazelcast.core.HazelcastInstance;
import com.hazelcast.map.IMap;
import com.hazelcast.map.LocalMapStats;
import io.prometheus.metrics.exporter.httpserver.HTTPServer;
import io.prometheus.metrics.instrumentation.jvm.JvmMetrics;
import io.prometheus.metrics.model.registry.MultiCollector;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot.GaugeDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.Labels;
import io.prometheus.metrics.model.snapshots.MetricSnapshots;
import java.io.IOException;
import java.util.HashMap;
import java.util.Map;
import java.util.function.ToLongFunction;

/**
 * The Prometheus metrics: what this member holds, and the JVM's own.
 *
 * <p>Everything told is known to this member alone. What would ask the others, such as a map's size
 * or whether the cluster is safe, would hang as long as one of them is frozen.
 */
final class Metrics implements MultiCollector {
    private final HazelcastInstance instance;
    private final Topology topology;
    private final Quorum quorum;

    Metrics(HazelcastInstance instance, Topology topology, Quorum quorum) {
        this.instance = instance;
        this.topology = topology;
        this.quorum = quorum;
    }

    /**
     * Serves /metrics, of the JVM alone until a member is registered.
     *
     * @throws Refusal the port is taken
     */
    static void listen(Settings settings) {
        JvmMetrics.builder().register();
        try {
            HTTPServer.builder()
                    .hostname(settings.listen())
                    .port(settings.metrics())
                    .registerHealthHandler(false)
                    .buildAndStart();
        } catch (IOException error) {
            throw new Refusal(
                    "Cannot listen on port " + settings.metrics() + " (" + error.getMessage()
                            + "); free it or set IMMUTANT_MEMBER_METRICS to another");
        }
    }

    /** Adds the running member to what is served. */
    void register() {
        PrometheusRegistry.defaultRegistry.register(this);
    }

    /** Takes it out again: the member has left. */
    void unregister() {
        PrometheusRegistry.defaultRegistry.unregister(this);
    }

    @Override
    public MetricSnapshots collect() {
        MetricSnapshots.Builder all = MetricSnapshots.builder();
        Map<String, LocalMapStats> maps = new HashMap<>();
        Map<String, LocalQueueStats> queues = new HashMap<>();
        for (DistributedObject object : instance.getDistributedObjects()) {
            if (object instanceof IMap<?, ?> map) {
                maps.put(map.getName(), map.getLocalMapStats());
            } else if (object instanceof IQueue<?> queue) {
                queues.put(queue.getName(), queue.getLocalQueueStats());
            }
        }
        maps(all, maps);
        queues(all, queues);
        cluster(all);
        return all.build();
    }

    private static void maps(MetricSnapshots.Builder all, Map<String, LocalMapStats> maps) {
        each(all, "hazelcast_map_owned_entries", "Entries this member owns", "map", maps,
                LocalMapStats::getOwnedEntryCount);
        each(all, "hazelcast_map_backup_entries", "Entries this member backs up", "map", maps,
                LocalMapStats::getBackupEntryCount);
        each(all, "hazelcast_map_owned_bytes", "Heap of owned entries", "map", maps,
                LocalMapStats::getOwnedEntryMemoryCost);
        each(all, "hazelcast_map_backup_bytes", "Heap of backup entries", "map", maps,
                LocalMapStats::getBackupEntryMemoryCost);
    }

    private static void queues(MetricSnapshots.Builder all, Map<String, LocalQueueStats> queues) {
        each(all, "hazelcast_queue_owned_items", "Items this member owns", "queue", queues,
                LocalQueueStats::getOwnedItemCount);
        each(all, "hazelcast_queue_backup_items", "Items this member backs up", "queue", queues,
                LocalQueueStats::getBackupItemCount);
    }

    private void cluster(MetricSnapshots.Builder all) {
        one(all, "hazelcast_members", "Members this one sees, itself included", topology.members());
        one(all, "hazelcast_writable",
                "1 where the members that this one sees may write, 0 on the smaller side of a split",
                quorum.writable() ? 1 : 0);
        one(all, "hazelcast_owned_partitions", "Partitions this member owns", topology.owned());
        one(all, "hazelcast_backup_partitions", "Partitions this member backs up", topology.backedUp());
        one(all, "hazelcast_migrations_queued",
                "Partitions that wait for their move, as the oldest member knows", topology.migrations());
    }

    private static <S> void each(
            MetricSnapshots.Builder all,
            String name,
            String help,
            String label,
            Map<String, S> statistics,
            ToLongFunction<S> value) {
        GaugeSnapshot.Builder gauge = GaugeSnapshot.builder().name(name).help(help);
        statistics.forEach(
                (object, stats) ->
                        gauge.dataPoint(point(Labels.of(label, object), value.applyAsLong(stats))));
        all.metricSnapshot(gauge.build());
    }

    private static void one(MetricSnapshots.Builder all, String name, String help, long value) {
        all.metricSnapshot(
                GaugeSnapshot.builder().name(name).help(help).dataPoint(point(Labels.EMPTY, value)).build());
    }

    private static GaugeDataPointSnapshot point(Labels labels, long value) {
        return GaugeDataPointSnapshot.builder().labels(labels).value(value).build();
    }
}
