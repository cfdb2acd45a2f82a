package org.immutant.member;

import com.hazelcast.client.HazelcastClient;
import com.hazelcast.client.config.ClientConfig;
import com.hazelcast.core.Hazelcast;
import com.hazelcast.core.HazelcastInstance;
import com.hazelcast.core.HazelcastJsonValue;
import com.hazelcast.map.IMap;
import com.hazelcast.map.listener.EntryUpdatedListener;
import com.hazelcast.query.Predicates;
import java.io.InputStream;
import java.net.ServerSocket;
import java.net.URI;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * A short life of two members and a client in one process, at build time: what it loads is what the
 * class archive holds. It goes the ways of a real member, or they would be loaded slowly.
 */
public final class Rehearsal {
    private static final String LOOPBACK = "127.0.0.1";
    private static final int ENTRIES = 100;

    private Rehearsal() {}

    /**
     * Plays it.
     *
     * @param arguments none
     * @throws Exception it did not go as planned; the build fails
     */
    public static void main(String[] arguments) throws Exception {
        LogLines.install();
        int[] ports = freePorts(5);
        String seed = LOOPBACK + ":" + ports[0];
        Settings first = settings(seed, ports[0], ports[1], ports[2]);
        Member member = Member.start(first);
        Settings another = settings(seed, ports[3], ports[4], ports[2]);
        HazelcastInstance second = Hazelcast.newHazelcastInstance(GridConfig.of(another, new Quorum(another)));
        HazelcastInstance client = client(ports[0]);
        use(client);
        ask("http://127.0.0.1:" + ports[0] + "/hazelcast/health/ready");
        ask("http://127.0.0.1:" + ports[1] + "/v1/partitions");
        ask("http://127.0.0.1:" + ports[1] + "/v1/owners?map=m&key=k");
        ask("http://127.0.0.1:" + ports[1] + "/v1/safe");
        ask("http://127.0.0.1:" + ports[2] + "/metrics");
        client.shutdown();
        second.shutdown();
        member.leave();
        System.exit(0);
    }

    private static Settings settings(String seed, int port, int topology, int metrics) {
        return Settings.parse(
                Map.of(
                        "IMMUTANT_GRID", "rehearsal",
                        "IMMUTANT_GRID_SEEDS", seed,
                        "IMMUTANT_MEMBER_ADDRESS", LOOPBACK,
                        "IMMUTANT_MEMBER_PORT", String.valueOf(port),
                        "IMMUTANT_TOPOLOGY", LOOPBACK + ":" + topology,
                        "IMMUTANT_MEMBER_METRICS", String.valueOf(metrics)));
    }

    private static HazelcastInstance client(int port) {
        ClientConfig config = new ClientConfig().setClusterName("rehearsal");
        config.getNetworkConfig().addAddress(LOOPBACK + ":" + port);
        return HazelcastClient.newHazelcastClient(config);
    }

    private static void use(HazelcastInstance client) throws InterruptedException {
        IMap<String, String> map = client.getMap("map");
        map.addEntryListener((EntryUpdatedListener<String, String>) event -> {}, true);
        for (int i = 0; i < ENTRIES; i++) {
            map.set("key" + i, "value");
            map.replace("key" + i, "value", "other");
            client.<String>getQueue("queue").offer("item" + i);
        }
        map.setTtl("key0", 1, TimeUnit.HOURS);
        map.remove("key0", "other");
        map.keySet();
        client.getQueue("queue").take();
        client.getMap("queue.rehearsal").set("id", new HazelcastJsonValue("{\"s\": 1, \"w\": 2}"));
        client.getMap("queue.rehearsal").keySet(Predicates.sql("s = 1 and w > 1"));
        client.getQueue("dispatch.rehearsal").offer("id");
        client.getReliableTopic("topic").publish("message");
    }

    private static void ask(String url) throws Exception {
        try (InputStream body = URI.create(url).toURL().openStream()) {
            body.readAllBytes();
        }
    }

    private static int[] freePorts(int count) throws Exception {
        List<ServerSocket> sockets = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            sockets.add(new ServerSocket(0));
        }
        int[] ports = sockets.stream().mapToInt(ServerSocket::getLocalPort).toArray();
        for (ServerSocket socket : sockets) {
            socket.close();
        }
        return ports;
    }
}
