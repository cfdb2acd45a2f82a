package org.immutant.member;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.Executors;
import java.util.function.Supplier;
import java.util.logging.Level;
import java.util.logging.Logger;

/** The topology over plain HTTP, for the processes beside this member; 503 while it does not run. */
final class TopologyServer {
    /** Enough for one question that a frozen member delays and all that asks beside it. */
    private static final int THREADS = 4;

    private static final Logger LOG = Logger.getLogger(TopologyServer.class.getName());

    private final HttpServer server;
    private volatile Topology topology;

    /** What a path answers. */
    private interface Answer {
        String of(Topology topology, URI uri);
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
    void open(Topology running) {
        topology = running;
    }

    /** From now on questions are refused again. */
    void close() {
        topology = null;
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
        route("/v1/partitions", (running, uri) -> running.partitions());
        route("/v1/owners", (running, uri) -> running.owners(parameter(uri, "map"), parameter(uri, "key")));
        route("/v1/safe", (running, uri) -> running.safe());
        server.start();
    }

    private void route(String path, Answer answer) {
        server.createContext(path, exchange -> respond(exchange, answer));
    }

    private void respond(HttpExchange exchange, Answer answer) throws IOException {
        try (exchange) {
            Topology running = topology;
            if (running == null) {
                send(exchange, 503, error("the member does not run yet, or no more"));
            } else {
                answer(exchange, () -> answer.of(running, exchange.getRequestURI()));
            }
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
