package org.immutant.member;

import com.hazelcast.map.EntryProcessor;
import com.hazelcast.map.ExtendedMapEntry;
import com.hazelcast.nio.ObjectDataInput;
import com.hazelcast.nio.ObjectDataOutput;
import com.hazelcast.nio.serialization.IdentifiedDataSerializable;
import java.io.IOException;
import java.util.Arrays;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * Replaces an entry's value, if it is the expected one, and begins its new time to live: in one step.
 *
 * <p>Hazelcast's own replace knows no time to live; one set after it may hit the value of another
 * writer, which then ends before its time. On the wire: expected, wanted (byte arrays) and the time
 * to live (milliseconds, 0 for ever).
 */
public final class CompareAndSwap
        implements EntryProcessor<String, byte[], Boolean>, IdentifiedDataSerializable {
    private static final long serialVersionUID = 1L;

    private byte[] expected;
    private byte[] wanted;
    private long ttl;
    private transient boolean swapped;

    @Override
    public Boolean process(Map.Entry<String, byte[]> entry) {
        swapped = Arrays.equals(entry.getValue(), expected);
        if (swapped) {
            Store.into(entry, wanted, ttl);
        }
        return swapped;
    }

    /** Backups take what the owner has, whatever they had; nothing, when the owner refused. */
    @Override
    public EntryProcessor<String, byte[], Boolean> getBackupProcessor() {
        return swapped ? new Store(wanted, ttl) : null;
    }

    @Override
    public int getFactoryId() {
        return Identified.FACTORY;
    }

    @Override
    public int getClassId() {
        return Identified.COMPARE_AND_SWAP;
    }

    @Override
    public void writeData(ObjectDataOutput out) throws IOException {
        out.writeByteArray(expected);
        out.writeByteArray(wanted);
        out.writeLong(ttl);
    }

    @Override
    public void readData(ObjectDataInput in) throws IOException {
        expected = in.readByteArray();
        wanted = in.readByteArray();
        ttl = in.readLong();
    }

    /** The part of it that is done on backups. */
    static final class Store
            implements EntryProcessor<String, byte[], Boolean>, IdentifiedDataSerializable {
        private static final long serialVersionUID = 1L;

        private byte[] value;
        private long ttl;

        Store() {}

        Store(byte[] value, long ttl) {
            this.value = value;
            this.ttl = ttl;
        }

        static void into(Map.Entry<String, byte[]> entry, byte[] value, long ttl) {
            ((ExtendedMapEntry<String, byte[]>) entry).setValue(value, ttl, TimeUnit.MILLISECONDS);
        }

        @Override
        public Boolean process(Map.Entry<String, byte[]> entry) {
            into(entry, value, ttl);
            return true;
        }

        @Override
        public int getFactoryId() {
            return Identified.FACTORY;
        }

        @Override
        public int getClassId() {
            return Identified.STORE;
        }

        @Override
        public void writeData(ObjectDataOutput out) throws IOException {
            out.writeByteArray(value);
            out.writeLong(ttl);
        }

        @Override
        public void readData(ObjectDataInput in) throws IOException {
            value = in.readByteArray();
            ttl = in.readLong();
        }
    }
}
