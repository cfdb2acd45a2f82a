"""The tables of the state file.

Belongs here: their shape, their version, and the marks by which a state file is known. Not here:
any statement that reads or changes a row; each store has its own.

All instants named `wake`, `expires` are on the file's clock (`immutant.embedded.filetime`); those
that a user sees (`sent_at`, `died_at`) are calendar time.
"""

__all__ = ["APPLICATION_ID", "TABLES", "VERSION"]

APPLICATION_ID = 0x494D4D54
"""The bytes "IMMT" in the header of the file."""

VERSION = 1

TABLES = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value) WITHOUT ROWID;

CREATE TABLE owners (
    id TEXT PRIMARY KEY,
    process TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE entries (
    cache TEXT NOT NULL,
    key TEXT NOT NULL,
    value BLOB NOT NULL,
    expires REAL,
    PRIMARY KEY (cache, key)
);
CREATE INDEX entries_expire ON entries (expires) WHERE expires IS NOT NULL;

-- state: 0 ready, 1 delayed, 2 leased. wake: when the delay or the lease runs out, for a ready
-- message when its time to live does. mark: names the receive that holds it
-- (`identity.Owner.mark`).
CREATE TABLE messages (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    queue TEXT NOT NULL,
    priority INTEGER NOT NULL,
    state INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    wake REAL,
    expires REAL,
    mark TEXT,
    sent_at REAL NOT NULL,
    headers TEXT NOT NULL,
    body BLOB NOT NULL
);
CREATE INDEX messages_ready ON messages (queue, priority DESC, id) WHERE state = 0;
CREATE INDEX messages_wake ON messages (queue, wake) WHERE wake IS NOT NULL;
CREATE UNIQUE INDEX messages_mark ON messages (mark) WHERE mark IS NOT NULL;

CREATE TABLE tickets (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    queue TEXT NOT NULL,
    mark TEXT NOT NULL UNIQUE,
    visibility REAL NOT NULL
);
CREATE INDEX tickets_turn ON tickets (queue, id);

CREATE TABLE dead_letters (
    turn INTEGER PRIMARY KEY AUTOINCREMENT,
    id INTEGER NOT NULL UNIQUE,
    queue TEXT NOT NULL,
    priority INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    reason TEXT NOT NULL,
    died_at REAL NOT NULL,
    headers TEXT NOT NULL,
    body BLOB NOT NULL
);
CREATE INDEX dead_letters_queue ON dead_letters (queue, turn);

CREATE TABLE topics (name TEXT PRIMARY KEY, last INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE publications (
    topic TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    headers TEXT NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (topic, sequence)
);
CREATE TABLE bindings (
    topic TEXT NOT NULL,
    queue TEXT NOT NULL,
    PRIMARY KEY (topic, queue)
) WITHOUT ROWID;

CREATE TABLE leases (name TEXT PRIMARY KEY, version INTEGER NOT NULL, record TEXT NOT NULL);
CREATE TABLE lease_changes (
    version INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    record TEXT NOT NULL
);
"""
