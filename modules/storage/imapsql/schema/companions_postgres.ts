/**
 * What maddy's tables lack, in tables of our own: as on SQLite (companions_sqlite.ts, which says what they mean), and
 * `tsmaddy_done`, which has a row for each connection that writes, with the number of its last transaction.
 */
export const companionTables: readonly string[] = [
  'CREATE TABLE IF NOT EXISTS tsmaddy_meta (name VARCHAR(255) NOT NULL PRIMARY KEY, value VARCHAR(255) NOT NULL)',
  // Rows that change with every message are given room in their page, so that no index has to change with them.
  `CREATE TABLE IF NOT EXISTS tsmaddy_mboxes (
    mboxid BIGINT NOT NULL PRIMARY KEY,
    modseq BIGINT NOT NULL DEFAULT 1,
    messages BIGINT NOT NULL DEFAULT 0,
    recent BIGINT NOT NULL DEFAULT 0,
    seen BIGINT NOT NULL DEFAULT 0,
    deleted BIGINT NOT NULL DEFAULT 0,
    size BIGINT NOT NULL DEFAULT 0,
    forgotten BIGINT NOT NULL DEFAULT 0
  ) WITH (fillfactor = 50)`,
  `CREATE TABLE IF NOT EXISTS tsmaddy_users (
    uid BIGINT NOT NULL PRIMARY KEY,
    size BIGINT NOT NULL DEFAULT 0
  ) WITH (fillfactor = 50)`,
  `CREATE TABLE IF NOT EXISTS tsmaddy_msgs (
    mboxid BIGINT NOT NULL,
    uid BIGINT NOT NULL,
    modseq BIGINT NOT NULL,
    date BIGINT NOT NULL,
    size BIGINT NOT NULL,
    PRIMARY KEY (mboxid, uid)
  )`,
  'CREATE INDEX IF NOT EXISTS tsmaddy_modseq ON tsmaddy_msgs (mboxid, modseq)',
  `CREATE TABLE IF NOT EXISTS tsmaddy_expunged (
    mboxid BIGINT NOT NULL,
    modseq BIGINT NOT NULL,
    uid BIGINT NOT NULL,
    PRIMARY KEY (mboxid, modseq)
  )`,
  `CREATE TABLE IF NOT EXISTS tsmaddy_keywords (
    mboxid BIGINT NOT NULL,
    keyword VARCHAR(255) NOT NULL,
    spelling VARCHAR(255) NOT NULL,
    uses BIGINT NOT NULL,
    PRIMARY KEY (mboxid, keyword)
  )`,
  'CREATE TABLE IF NOT EXISTS tsmaddy_doomed (id VARCHAR(255) NOT NULL PRIMARY KEY)',
  'CREATE TABLE IF NOT EXISTS tsmaddy_leases (lease VARCHAR(255) NOT NULL PRIMARY KEY, alive BIGINT NOT NULL)',
  `CREATE TABLE IF NOT EXISTS tsmaddy_blobs (
    id VARCHAR(255) NOT NULL,
    part INTEGER NOT NULL,
    data BYTEA NOT NULL,
    PRIMARY KEY (id, part)
  )`,
  // Whether bodies are compressed is said in the configuration.
  'ALTER TABLE tsmaddy_blobs ALTER COLUMN data SET STORAGE EXTERNAL',
  'CREATE TABLE IF NOT EXISTS tsmaddy_staged (id VARCHAR(255) NOT NULL PRIMARY KEY)',
  `CREATE TABLE IF NOT EXISTS tsmaddy_done (
    lane VARCHAR(255) NOT NULL PRIMARY KEY,
    token BIGINT NOT NULL,
    at TIMESTAMPTZ NOT NULL DEFAULT now()
  ) WITH (fillfactor = 10)`,
  'CREATE INDEX IF NOT EXISTS tsmaddy_unseen ON msgs (mboxid, msgid) WHERE seen = 0',
  'CREATE INDEX IF NOT EXISTS tsmaddy_recent ON msgs (mboxid, msgid) WHERE recent = 1',
  // Without it, deleting a key looks through every message for one that still names it.
  'CREATE INDEX IF NOT EXISTS tsmaddy_body ON msgs (extbodykey)',
  'CREATE INDEX IF NOT EXISTS tsmaddy_unreferenced ON extkeys (uid, id) WHERE refs <= 0',
  "CREATE INDEX IF NOT EXISTS tsmaddy_deleted ON flags (mboxid, msgid) WHERE flag = '\\Deleted'",
  'CREATE INDEX IF NOT EXISTS tsmaddy_user_quotas ON user_quotas (lower(username))',
  'CREATE INDEX IF NOT EXISTS tsmaddy_domain_quotas ON domain_quotas (lower(domain))',
]

const systemFlags = ['\\Seen', '\\Answered', '\\Flagged', '\\Deleted', '\\Draft']

/** Fills the companions from what maddy has written, and mends what its known defects have left in its own tables. */
export const companionRows: readonly string[] = [
  ...systemFlags.flatMap((flag) => [
    `INSERT INTO flags (mboxid, msgid, flag) SELECT DISTINCT mboxid, msgid, '${flag}' FROM flags
      WHERE flag <> '${flag}' AND lower(flag) = lower('${flag}') ON CONFLICT (mboxid, msgid, flag) DO NOTHING`,
    `DELETE FROM flags WHERE flag <> '${flag}' AND lower(flag) = lower('${flag}')`,
  ]),
  "DELETE FROM flags WHERE flag = ''",
  `UPDATE msgs SET seen = 1 FROM flags f
    WHERE msgs.seen <> 1 AND f.mboxid = msgs.mboxid AND f.msgid = msgs.msgid AND f.flag = '\\Seen'`,
  `UPDATE msgs SET seen = 0 WHERE seen <> 0 AND NOT EXISTS
    (SELECT 1 FROM flags f WHERE f.mboxid = msgs.mboxid AND f.msgid = msgs.msgid AND f.flag = '\\Seen')`,
  `UPDATE mboxes SET msgscount = n.messages FROM
    (SELECT b.id, count(m.msgid) AS messages FROM mboxes b LEFT JOIN msgs m ON m.mboxid = b.id GROUP BY b.id) AS n
    WHERE mboxes.id = n.id AND mboxes.msgscount <> n.messages`,
  `UPDATE extkeys SET refs = n.refs FROM
    (SELECT e.id, count(m.msgid) AS refs FROM extkeys e LEFT JOIN msgs m ON m.extbodykey = e.id GROUP BY e.id) AS n
    WHERE extkeys.id = n.id AND extkeys.refs <> n.refs`,
  'INSERT INTO tsmaddy_doomed SELECT id FROM extkeys WHERE refs <= 0 ON CONFLICT (id) DO NOTHING',
  'DELETE FROM extkeys WHERE refs <= 0',
  `INSERT INTO tsmaddy_mboxes (mboxid, messages, recent, size)
    SELECT b.id, count(m.msgid), coalesce(sum(m.recent), 0), coalesce(sum(m.bodylen), 0)
    FROM mboxes b LEFT JOIN msgs m ON m.mboxid = b.id GROUP BY b.id`,
  `UPDATE tsmaddy_mboxes SET seen = f.seen, deleted = f.deleted FROM (
      SELECT mboxid, count(*) FILTER (WHERE flag = '\\Seen') AS seen, count(*) FILTER (WHERE flag = '\\Deleted') AS deleted
      FROM flags GROUP BY mboxid
    ) AS f WHERE tsmaddy_mboxes.mboxid = f.mboxid`,
  `INSERT INTO tsmaddy_users (uid, size) SELECT u.id, coalesce(sum(t.size), 0)
    FROM users u LEFT JOIN mboxes b ON b.uid = u.id LEFT JOIN tsmaddy_mboxes t ON t.mboxid = b.id GROUP BY u.id`,
  'INSERT INTO tsmaddy_msgs (mboxid, uid, modseq, date, size) SELECT mboxid, msgid, 1, date, bodylen FROM msgs',
  `INSERT INTO tsmaddy_keywords (mboxid, keyword, spelling, uses) SELECT mboxid, lower(flag), min(flag), count(*)
    FROM flags WHERE left(flag, 1) <> '\\' GROUP BY mboxid, lower(flag)`,
]

/** Of mailboxes whose name only case tells from INBOX. */
export const startsAsInbox = "lower(left(name, 6)) IN ('inbox', 'inbox.') AND left(name, 5) <> 'INBOX'"

/** INBOX is the same in any case, but to maddy: no mailbox of its making is to be hidden behind another. */
export const mailboxNames: readonly string[] = [
  // Of several that would be the same the first takes the name, unless it is taken.
  `UPDATE mboxes SET name = n.folded FROM (
      SELECT DISTINCT ON (uid, folded) id, uid, folded
      FROM (SELECT id, uid, 'INBOX' || substr(name, 6) AS folded FROM mboxes WHERE ${startsAsInbox}) AS f
      ORDER BY uid, folded, id
    ) AS n
    WHERE mboxes.id = n.id AND NOT EXISTS (SELECT 1 FROM mboxes o WHERE o.uid = n.uid AND o.name = n.folded)`,
  `UPDATE mboxes SET name = left(
      CASE WHEN length(name) = 5 THEN name ELSE 'INBOX' || substr(name, 6) END, 230) || '-' || id WHERE ${startsAsInbox}`,
]
