/**
 * The tables of maddy 0.9, schema version 6, on SQLite. Nothing may be added to them: maddy copies rows of `msgs` without
 * naming its columns. All that is ours stands in tables of our own (companions_sqlite.ts).
 */
export const maddyTables: readonly string[] = [
  'CREATE TABLE schema_version (version INTEGER NOT NULL)',
  `CREATE TABLE users (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    username VARCHAR(255) NOT NULL UNIQUE,
    msgsizelimit INTEGER DEFAULT NULL,
    inboxId BIGINT DEFAULT 0
  )`,
  `CREATE TABLE mboxes (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    uid INTEGER NOT NULL REFERENCES users(id) ON DELETE CASCADE,
    name VARCHAR(255) NOT NULL,
    sub INTEGER NOT NULL DEFAULT 1,
    mark INTEGER NOT NULL DEFAULT 0,
    msgsizelimit INTEGER DEFAULT NULL,
    uidnext INTEGER NOT NULL DEFAULT 1,
    uidvalidity BIGINT NOT NULL,
    specialuse VARCHAR(255) DEFAULT NULL,
    msgsCount INTEGER NOT NULL DEFAULT 0,
    UNIQUE(uid, name)
  )`,
  `CREATE TABLE extKeys (
    id VARCHAR(255) NOT NULL PRIMARY KEY,
    uid BIGINT NOT NULL,
    refs INTEGER NOT NULL DEFAULT 1
  )`,
  `CREATE TABLE msgs (
    mboxId BIGINT NOT NULL REFERENCES mboxes(id) ON DELETE CASCADE,
    msgId BIGINT NOT NULL,
    date BIGINT NOT NULL,
    bodyLen INTEGER NOT NULL,
    mark INTEGER NOT NULL DEFAULT 0,
    bodyStructure LONGTEXT NOT NULL,
    cachedHeader LONGTEXT NOT NULL,
    extBodyKey VARCHAR(255) DEFAULT NULL REFERENCES extKeys(id) ON DELETE RESTRICT,
    seen INTEGER NOT NULL DEFAULT 0,
    compressAlgo VARCHAR(255),
    recent INTEGER NOT NULL DEFAULT 1,
    PRIMARY KEY(mboxId, msgId)
  )`,
  `CREATE TABLE flags (
    mboxId BIGINT NOT NULL,
    msgId BIGINT NOT NULL,
    flag VARCHAR(255) NOT NULL,
    FOREIGN KEY (mboxId, msgId) REFERENCES msgs(mboxId, msgId) ON DELETE CASCADE,
    UNIQUE(mboxId, msgId, flag)
  )`,
  'CREATE UNIQUE INDEX extKeys_uid_id ON extKeys(uid, id)',
  'CREATE INDEX seen_msgs ON msgs(mboxId, seen)',
  'INSERT INTO schema_version (version) VALUES (6)',
]

/** The fork's tables of quotas, which every storage has. */
export const quotaTables: readonly string[] = ['domain', 'user'].map(
  (kind) => `CREATE TABLE IF NOT EXISTS ${kind}_quotas (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    ${kind === 'user' ? 'username' : 'domain'} VARCHAR(255) NOT NULL UNIQUE,
    quota_bytes BIGINT NOT NULL DEFAULT 0,
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    updated_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP
  )`,
)
