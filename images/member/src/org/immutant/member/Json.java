package org.immutant.member;

import java.util.stream.Collector;
import java.util.stream.Collectors;

/** The little JSON that the topology needs; values are given as JSON already. */
final class Json {
    private Json() {}

    /** An object of names and values in turn. */
    static String object(String... namesAndValues) {
        StringBuilder text = new StringBuilder("{");
        for (int i = 0; i < namesAndValues.length; i += 2) {
            text.append(i == 0 ? "" : ",").append(string(namesAndValues[i])).append(':');
            text.append(namesAndValues[i + 1]);
        }
        return text.append('}').toString();
    }

    /** A list of what is collected. */
    static Collector<CharSequence, ?, String> list() {
        return Collectors.joining(",", "[", "]");
    }

    /** A string. */
    static String string(String text) {
        return '"' + text.replace("\\", "\\\\").replace("\"", "\\\"") + '"';
    }
}
