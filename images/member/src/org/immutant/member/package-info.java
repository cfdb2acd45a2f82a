/**
 * A member of an app's data grid: Hazelcast, configured by the environment alone.
 *
 * <p>Belongs here: what a member needs beside Hazelcast itself. Not here: anything about messages,
 * sessions or singletons; to a member they are entries of maps and queues.
 */
package org.immutant.member;
