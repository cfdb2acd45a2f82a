/**
 * A member of an app's data grid: Hazelcast, configured by the environment alone.
 *
 * <p>Belongs here: what a member needs beside Hazelcast itself, and the few things that the runtime's
 * stores cannot have done from outside. Not here: what the entries mean; that is immutant.grid's.
 */
package org.immutant.member;
