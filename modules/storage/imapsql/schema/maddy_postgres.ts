/**
 * The tables of maddy 0.9, schema version 6, on PostgreSQL, whose names are in lower case there. Nothing may be added to
 * them: all that is ours stands in tables of our own (companions_postgres.ts).
 */
export const maddyTables: readonly string[] = [
  'CREATE TABLE schema_version (version INTEGER NOT NULL)',
  `CREATE TABLE users (
    id BIGSERIAL NOT NULL PRIMARY KEY,
    username VARCHAR(255) NOT NULL UNIQUE,
    msgsizelimit INTEGER DEFAULT NULL,
    inboxid BIGINT DEFAULT 0
  )`,
  `CREATE TABLE mboxes (
    id BIGSERIAL NOT NULL PRIMARY KEY,
    uid INTEGER NOT NULL REFERENCES users(id) ON DELETE CASCADE,
    name VARCHAR(255) NOT NULL,
    sub INTEGER NOT NULL DEFAULT 1,
    mark INTEGER NOT NULL DEFAULT 0,
    msgsizelimit INTEGER DEFAULT NULL,
    uidnext INTEGER NOT NULL DEFAULT 1,
    uidvalidity BIGINT NOT NULL,
    specialuse VARCHAR(255) DEFAULT NULL,
    msgscount INTEGER NOT NULL DEFAULT 0,
    UNIQUE(uid, name)
  )`,
  `CREATE TABLE extkeys (
    id VARCHAR(255) NOT NULL PRIMARY KEY,
    uid BIGINT NOT NULL,
    refs INTEGER NOT NULL DEFAULT 1
  )`,
  `CREATE TABLE msgs (
    mboxid BIGINT NOT NULL REFERENCES mboxes(id) ON DELETE CASCADE,
    msgid BIGINT NOT NULL,
    date BIGINT NOT NULL,
    bodylen INTEGER NOT NULL,
    mark INTEGER NOT NULL DEFAULT 0,
    bodystructure BYTEA NOT NULL,
    cachedheader BYTEA NOT NULL,
    extbodykey VARCHAR(255) DEFAULT NULL REFERENCES extkeys(id) ON DELETE RESTRICT,
    seen INTEGER NOT NULL DEFAULT 0,
    compressalgo VARCHAR(255),
    recent INTEGER NOT NULL DEFAULT 1,
    PRIMARY KEY(mboxid, msgid)
  )`,
  `CREATE TABLE flags (
    mboxid BIGINT NOT NULL,
    msgid BIGINT NOT NULL,
    flag VARCHAR(255) NOT NULL,
    FOREIGN KEY (mboxid, msgid) REFERENCES msgs(mboxid, msgid) ON DELETE CASCADE,
    UNIQUE(mboxid, msgid, flag)
  )`,
  'CREATE UNIQUE INDEX extkeys_uid_id ON extkeys(uid, id)',
  'CREATE INDEX seen_msgs ON msgs(mboxid, seen)',
  'INSERT INTO schema_version (version) VALUES (6)',
]

/** The fork's tables of quotas, which every storage has. */
export const quotaTables: readonly string[] = ['domain', 'user'].map(
  (kind) => `CREATE TABLE IF NOT EXISTS ${kind}_quotas (
    id BIGSERIAL NOT NULL PRIMARY KEY,
    ${kind === 'user' ? 'username' : 'domain'} VARCHAR(255) NOT NULL UNIQUE,
    quota_bytes BIGINT NOT NULL DEFAULT 0,
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    updated_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP
  )`,
)
