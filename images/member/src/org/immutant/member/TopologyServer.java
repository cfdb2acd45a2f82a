package org.immutant.member;

import com.hazelcast.cluster.Member;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Set;
import java.util.concurrent.Executors;
import java.util.function.Supplier;
import java.util.logging.Level;
import java.util.logging.Logger;

/**
 * The topology and the quorum over plain HTTP, for the processes beside this member; 503 while it
 * does not run.
 */
final class TopologyServer {
    /** Enough for one question that a frozen member delays and all that asks beside it. */
    private static final int THREADS = 4;

    private static final Logger LOG = Logger.getLogger(TopologyServer.class.getName());

    private final HttpServer server;
    private volatile Running running;

    /** What is told of, while the member runs. */
    private record Running(Topology topology, Quorum quorum, Safety safety) {}

    /** What a path answers. */
    private interface Answer {
        String of(Running running, URI uri);
    }

    private TopologyServer(HttpServer server) {
        this.server = server;
    }

    /**
     * Listens.
     *
     * @throws Refusal the address is taken or not this machine's
     */
    static TopologyServer listen(Settings.HostPort where) {
        try {
            HttpServer http = HttpServer.create(new InetSocketAddress(where.host(), where.port()), 0);
            TopologyServer server = new TopologyServer(http);
            server.serve();
            return server;
        } catch (IOException error) {
            throw new Refusal(
                    "Cannot listen on " + where.host() + ":" + where.port() + " (" + error.getMessage()
                            + "); free it or set IMMUTANT_TOPOLOGY to another address");
        }
    }

    /** From now on questions are answered. */
    void open(Topology topology, Quorum quorum, Safety safety) {
        running = new Running(topology, quorum, safety);
    }

    /** From now on questions are refused again. */
    void close() {
        running = null;
    }

    /** From now on whoever is beside this member may have it leave, and join again. */
    void control(Runnable join, Runnable leave) {
        server.createContext("/v1/stop", exchange -> act(exchange, leave));
        server.createContext("/v1/start", exchange -> act(exchange, join));
    }

    private static void act(HttpExchange exchange, Runnable change) throws IOException {
        try (exchange) {
            if (exchange.getRequestMethod().equals("PUT")) {
                answer(
                        exchange,
                        () -> {
                            change.run();
                            return "{}";
                        });
            } else {
                send(exchange, 405, error("this path takes PUT"));
            }
        }
    }

    private void serve() {
        server.setExecutor(
                Executors.newFixedThreadPool(
                        THREADS,
                        task -> {
                            Thread thread = new Thread(task, "topology");
                            thread.setDaemon(true);
                            return thread;
                        }));
        route("GET", "/v1/partitions", (now, uri) -> now.topology().partitions());
        route(
                "GET",
                "/v1/owners",
                (now, uri) -> now.topology().owners(parameter(uri, "map"), parameter(uri, "key")));
        route("GET", "/v1/safe", (now, uri) -> now.topology().safe());
        route("PUT", "/v1/quorum", (now, uri) -> quorum(now, uri));
        server.start();
    }

    private void route(String method, String path, Answer answer) {
        server.createContext(path, exchange -> respond(exchange, method, answer));
    }

    private void respond(HttpExchange exchange, String method, Answer answer) throws IOException {
        try (exchange) {
            Running now = running;
            if (!exchange.getRequestMethod().equals(method)) {
                send(exchange, 405, error("this path takes " + method));
            } else if (now == null) {
                send(exchange, 503, error("the member does not run yet, or no more"));
            } else {
                answer(exchange, () -> answer.of(now, exchange.getRequestURI()));
            }
        }
    }

    /**
     * Takes whose votes count, and answers whether the members that this one sees may write, how many
     * and which they are, and whether what this one owns is on its other owners.
     */
    private static String quorum(Running now, URI uri) {
        Quorum.Ballot told =
                new Quorum.Ballot(
                        names(parameter(uri, "voters")),
                        names(parameter(uri, "gone")),
                        nanoseconds(parameter(uri, "until")));
        Set<Member> members = now.topology().everyone();
        return Json.object(
                "writable", String.valueOf(now.quorum().tell(told, members)),
                "members", String.valueOf(members.size()),
                "view", Json.string(Safety.view(members)),
                "safe", String.valueOf(now.safety().safe(members)));
    }

    private static Set<String> names(String text) {
        return text.isEmpty() ? Set.of() : Set.copyOf(Arrays.asList(text.split(",")));
    }

    private static long nanoseconds(String text) {
        try {
            return Long.parseLong(text);
        } catch (NumberFormatException error) {
            throw new Refusal("'until' is in nanoseconds of the monotonic clock, not '" + text + "'");
        }
    }

    private static void answer(HttpExchange exchange, Supplier<String> json) throws IOException {
        try {
            send(exchange, 200, json.get());
        } catch (Refusal refusal) {
            send(exchange, 400, error(refusal.getMessage()));
        } catch (RuntimeException failure) {
            LOG.log(Level.WARNING, "No answer to " + exchange.getRequestURI(), failure);
            send(exchange, 503, error("the member cannot tell at the moment"));
        }
    }

    private static String error(String sentence) {
        return Json.object("error", Json.string(sentence));
    }

    private static void send(HttpExchange exchange, int status, String json) throws IOException {
        byte[] body = json.getBytes(StandardCharsets.UTF_8);
        exchange.getResponseHeaders().set("Content-Type", "application/json");
        exchange.sendResponseHeaders(status, body.length);
        exchange.getResponseBody().write(body);
    }

    private static String parameter(URI uri, String name) {
        String query = uri.getRawQuery() == null ? "" : uri.getRawQuery();
        for (String pair : query.split("&")) {
            if (pair.startsWith(name + "=")) {
                return URLDecoder.decode(pair.substring(name.length() + 1), StandardCharsets.UTF_8);
            }
        }
        throw new Refusal("the parameter '" + name + "' is missing");
    }
}
