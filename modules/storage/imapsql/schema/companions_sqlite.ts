/**
 * What maddy's tables lack, in tables of our own. Triggers keep them, so that they hold also while maddy writes to the
 * same file. `modseq` of a mailbox grows with every change of its messages, that of a message is the mailbox's at its last
 * change. `seen` and `deleted` count rows of `flags`, whose word is what a client is shown. Which messages were expunged is
 * known for mod-sequences above `forgotten`. `size` of an account is the sum over its mailboxes: what its quota limits.
 */
export const companionTables: readonly string[] = [
  'CREATE TABLE IF NOT EXISTS tsmaddy_meta (name VARCHAR(255) NOT NULL PRIMARY KEY, value VARCHAR(255) NOT NULL)',
  `CREATE TABLE IF NOT EXISTS tsmaddy_mboxes (
    mboxid INTEGER NOT NULL PRIMARY KEY,
    modseq BIGINT NOT NULL DEFAULT 1,
    messages BIGINT NOT NULL DEFAULT 0,
    recent BIGINT NOT NULL DEFAULT 0,
    seen BIGINT NOT NULL DEFAULT 0,
    deleted BIGINT NOT NULL DEFAULT 0,
    size BIGINT NOT NULL DEFAULT 0,
    forgotten BIGINT NOT NULL DEFAULT 0
  )`,
  'CREATE TABLE IF NOT EXISTS tsmaddy_users (uid INTEGER NOT NULL PRIMARY KEY, size BIGINT NOT NULL DEFAULT 0)',
  `CREATE TABLE IF NOT EXISTS tsmaddy_msgs (
    mboxid BIGINT NOT NULL,
    uid BIGINT NOT NULL,
    modseq BIGINT NOT NULL,
    date BIGINT NOT NULL,
    size BIGINT NOT NULL,
    PRIMARY KEY (mboxid, uid)
  ) WITHOUT ROWID`,
  'CREATE INDEX IF NOT EXISTS tsmaddy_modseq ON tsmaddy_msgs (mboxid, modseq)',
  `CREATE TABLE IF NOT EXISTS tsmaddy_expunged (
    mboxid BIGINT NOT NULL,
    modseq BIGINT NOT NULL,
    uid BIGINT NOT NULL,
    PRIMARY KEY (mboxid, modseq)
  ) WITHOUT ROWID`,
  `CREATE TABLE IF NOT EXISTS tsmaddy_keywords (
    mboxid BIGINT NOT NULL,
    keyword VARCHAR(255) NOT NULL,
    spelling VARCHAR(255) NOT NULL,
    uses BIGINT NOT NULL,
    PRIMARY KEY (mboxid, keyword)
  ) WITHOUT ROWID`,
  `CREATE TABLE IF NOT EXISTS tsmaddy_doomed (id VARCHAR(255) NOT NULL PRIMARY KEY)`,
  'CREATE TABLE IF NOT EXISTS tsmaddy_leases (lease VARCHAR(255) NOT NULL PRIMARY KEY, alive BIGINT NOT NULL)',
  `CREATE TABLE IF NOT EXISTS tsmaddy_blobs (
    id VARCHAR(255) NOT NULL,
    part INTEGER NOT NULL,
    data BLOB NOT NULL,
    PRIMARY KEY (id, part)
  )`,
  // Bodies whose message is yet to come.
  'CREATE TABLE IF NOT EXISTS tsmaddy_staged (id VARCHAR(255) NOT NULL PRIMARY KEY)',
  'CREATE INDEX IF NOT EXISTS tsmaddy_unseen ON msgs (mboxId, msgId) WHERE seen = 0',
  'CREATE INDEX IF NOT EXISTS tsmaddy_recent ON msgs (mboxId, msgId) WHERE recent = 1',
  // Without it, deleting a key looks through every message for one that still names it.
  'CREATE INDEX IF NOT EXISTS tsmaddy_body ON msgs (extBodyKey)',
  'CREATE INDEX IF NOT EXISTS tsmaddy_unreferenced ON extKeys (uid, id) WHERE refs <= 0',
  // Names of quotas may have been written in any case.
  'CREATE INDEX IF NOT EXISTS tsmaddy_user_quotas ON user_quotas (lower(username))',
  'CREATE INDEX IF NOT EXISTS tsmaddy_domain_quotas ON domain_quotas (lower(domain))',
  "CREATE INDEX IF NOT EXISTS tsmaddy_deleted ON flags (mboxId, msgId) WHERE flag = '\\Deleted'",
]

/** Fills the sizes of accounts from those of their mailboxes. */
export const accountSizes = `INSERT INTO tsmaddy_users (uid, size)
    SELECT u.id, coalesce(sum(t.size), 0)
    FROM users u LEFT JOIN mboxes b ON b.uid = u.id LEFT JOIN tsmaddy_mboxes t ON t.mboxid = b.id GROUP BY u.id`

/** Fills the companions from what maddy has written, and mends what its known defects have left in its own tables. */
export const companionRows: readonly string[] = [
  // A connection without foreign keys has deleted what they refer to, and nothing of theirs.
  'DELETE FROM mboxes WHERE NOT EXISTS (SELECT 1 FROM users WHERE users.id = mboxes.uid)',
  'DELETE FROM msgs WHERE NOT EXISTS (SELECT 1 FROM mboxes WHERE mboxes.id = msgs.mboxid)',
  `DELETE FROM flags WHERE NOT EXISTS
    (SELECT 1 FROM msgs m WHERE m.mboxid = flags.mboxid AND m.msgid = flags.msgid)`,
  `INSERT INTO extkeys (id, uid, refs) SELECT m.extbodykey, min(b.uid), count(*)
    FROM msgs m JOIN mboxes b ON b.id = m.mboxid
    WHERE m.extbodykey IS NOT NULL AND NOT EXISTS (SELECT 1 FROM extkeys e WHERE e.id = m.extbodykey)
    GROUP BY m.extbodykey`,
  ...['\\Seen', '\\Answered', '\\Flagged', '\\Deleted', '\\Draft'].flatMap((flag) => [
    `UPDATE OR IGNORE flags SET flag = '${flag}' WHERE flag <> '${flag}' AND lower(flag) = lower('${flag}')`,
    `DELETE FROM flags WHERE flag <> '${flag}' AND lower(flag) = lower('${flag}')`,
  ]),
  "DELETE FROM flags WHERE flag = ''",
  `UPDATE msgs SET seen = 1 - seen WHERE seen <>
    EXISTS (SELECT 1 FROM flags f WHERE f.mboxid = msgs.mboxid AND f.msgid = msgs.msgid AND f.flag = '\\Seen')`,
  `UPDATE mboxes SET msgscount = (SELECT count(*) FROM msgs WHERE mboxid = mboxes.id)
    WHERE msgscount <> (SELECT count(*) FROM msgs WHERE mboxid = mboxes.id)`,
  `UPDATE extkeys SET refs = (SELECT count(*) FROM msgs WHERE extbodykey = extkeys.id)
    WHERE refs <> (SELECT count(*) FROM msgs WHERE extbodykey = extkeys.id)`,
  'INSERT INTO tsmaddy_doomed SELECT id FROM extkeys WHERE refs <= 0',
  'DELETE FROM extkeys WHERE refs <= 0',
  `INSERT INTO tsmaddy_mboxes (mboxid, messages, recent, size)
    SELECT b.id, count(m.msgid), coalesce(sum(m.recent), 0), coalesce(sum(m.bodylen), 0)
    FROM mboxes b LEFT JOIN msgs m ON m.mboxid = b.id GROUP BY b.id`,
  `UPDATE tsmaddy_mboxes SET seen = f.seen, deleted = f.deleted FROM (
      SELECT mboxid, sum(flag = '\\Seen') AS seen, sum(flag = '\\Deleted') AS deleted FROM flags GROUP BY mboxid
    ) AS f WHERE tsmaddy_mboxes.mboxid = f.mboxid`,
  'INSERT INTO tsmaddy_msgs SELECT mboxid, msgid, 1, date, bodylen FROM msgs',
  `INSERT INTO tsmaddy_keywords SELECT mboxid, lower(flag), min(flag), count(*)
    FROM flags WHERE substr(flag, 1, 1) <> '\\' GROUP BY mboxid, lower(flag)`,
  accountSizes,
]

/** Of mailboxes whose name only case tells from INBOX. */
export const startsAsInbox = "lower(substr(name, 1, 6)) IN ('inbox', 'inbox.') AND substr(name, 1, 5) <> 'INBOX'"

/** INBOX is the same in any case, but to maddy: no mailbox of its making is to be hidden behind another. */
export const mailboxNames: readonly string[] = [
  `UPDATE OR IGNORE mboxes SET name = 'INBOX' || substr(name, 6) WHERE ${startsAsInbox}`,
  `UPDATE OR IGNORE mboxes
    SET name = CASE WHEN length(name) = 5 THEN name ELSE 'INBOX' || substr(name, 6) END || '-' || id WHERE ${startsAsInbox}`,
]

const grow = (mailbox: string, more = ''): string =>
  `UPDATE tsmaddy_mboxes SET modseq = modseq + 1${more} WHERE mboxid = ${mailbox}`

/** A message that a flag was put on or taken off gets the mailbox's new mod-sequence. */
const touch = (row: 'NEW' | 'OLD'): string => `UPDATE tsmaddy_msgs
      SET modseq = (SELECT modseq FROM tsmaddy_mboxes WHERE mboxid = ${row}.mboxid)
      WHERE mboxid = ${row}.mboxid AND uid = ${row}.msgid`

const resize = (mailbox: string, change: string): string =>
  `UPDATE tsmaddy_users SET size = size ${change} WHERE uid = (SELECT uid FROM mboxes WHERE id = ${mailbox})`

const markSeen = (row: 'NEW' | 'OLD', seen: 0 | 1): string => `UPDATE msgs SET seen = ${seen}
      WHERE ${row}.flag = '\\Seen' AND mboxid = ${row}.mboxid AND msgid = ${row}.msgid AND seen <> ${seen}`

/** They also do what the foreign keys do, for connections that have not turned these on. */
export const triggers: readonly string[] = [
  `CREATE TRIGGER tsmaddy_account_added AFTER INSERT ON users BEGIN
    INSERT INTO tsmaddy_users (uid) VALUES (NEW.id);
  END`,
  `CREATE TRIGGER tsmaddy_account_removed AFTER DELETE ON users BEGIN
    DELETE FROM mboxes WHERE uid = OLD.id;
    DELETE FROM tsmaddy_users WHERE uid = OLD.id;
  END`,
  `CREATE TRIGGER tsmaddy_mailbox_added AFTER INSERT ON mboxes BEGIN
    INSERT INTO tsmaddy_mboxes (mboxid) VALUES (NEW.id);
  END`,
  `CREATE TRIGGER tsmaddy_mailbox_removed AFTER DELETE ON mboxes BEGIN
    DELETE FROM flags WHERE mboxid = OLD.id;
    DELETE FROM msgs WHERE mboxid = OLD.id;
    UPDATE tsmaddy_users SET size = size - coalesce((SELECT size FROM tsmaddy_mboxes WHERE mboxid = OLD.id), 0)
      WHERE uid = OLD.uid;
    DELETE FROM tsmaddy_mboxes WHERE mboxid = OLD.id;
    DELETE FROM tsmaddy_msgs WHERE mboxid = OLD.id;
    DELETE FROM tsmaddy_expunged WHERE mboxid = OLD.id;
    DELETE FROM tsmaddy_keywords WHERE mboxid = OLD.id;
  END`,
  `CREATE TRIGGER tsmaddy_message_added AFTER INSERT ON msgs BEGIN
    ${grow('NEW.mboxid', ', messages = messages + 1, recent = recent + NEW.recent, size = size + NEW.bodylen')};
    ${resize('NEW.mboxid', '+ NEW.bodylen')};
    INSERT INTO tsmaddy_msgs (mboxid, uid, modseq, date, size)
      SELECT NEW.mboxid, NEW.msgid, modseq, NEW.date, NEW.bodylen FROM tsmaddy_mboxes WHERE mboxid = NEW.mboxid;
  END`,
  `CREATE TRIGGER tsmaddy_message_recent AFTER UPDATE OF recent ON msgs WHEN NEW.recent <> OLD.recent BEGIN
    UPDATE tsmaddy_mboxes SET recent = recent + NEW.recent - OLD.recent WHERE mboxid = NEW.mboxid;
  END`,
  // When a whole mailbox goes, its row is already gone here, and so its messages leave no trace.
  `CREATE TRIGGER tsmaddy_message_removed AFTER DELETE ON msgs
    WHEN EXISTS (SELECT 1 FROM mboxes WHERE id = OLD.mboxid) BEGIN
    ${grow('OLD.mboxid', ', messages = messages - 1, recent = recent - OLD.recent, size = size - OLD.bodylen')};
    ${resize('OLD.mboxid', '- OLD.bodylen')};
    DELETE FROM flags WHERE mboxid = OLD.mboxid AND msgid = OLD.msgid;
    DELETE FROM tsmaddy_msgs WHERE mboxid = OLD.mboxid AND uid = OLD.msgid;
    INSERT INTO tsmaddy_expunged (mboxid, modseq, uid)
      SELECT OLD.mboxid, modseq, OLD.msgid FROM tsmaddy_mboxes WHERE mboxid = OLD.mboxid;
  END`,
  `CREATE TRIGGER tsmaddy_flag_added AFTER INSERT ON flags BEGIN
    ${grow('NEW.mboxid', ", seen = seen + (NEW.flag = '\\Seen'), deleted = deleted + (NEW.flag = '\\Deleted')")};
    ${touch('NEW')};
    ${markSeen('NEW', 1)};
    INSERT INTO tsmaddy_keywords (mboxid, keyword, spelling, uses)
      SELECT NEW.mboxid, lower(NEW.flag), NEW.flag, 1 WHERE substr(NEW.flag, 1, 1) <> '\\'
      ON CONFLICT (mboxid, keyword) DO UPDATE SET uses = uses + 1;
  END`,
  `CREATE TRIGGER tsmaddy_flag_removed AFTER DELETE ON flags
    WHEN EXISTS (SELECT 1 FROM mboxes WHERE id = OLD.mboxid) BEGIN
    ${grow('OLD.mboxid', ", seen = seen - (OLD.flag = '\\Seen'), deleted = deleted - (OLD.flag = '\\Deleted')")};
    ${touch('OLD')};
    ${markSeen('OLD', 0)};
    UPDATE tsmaddy_keywords SET uses = uses - 1
      WHERE mboxid = OLD.mboxid AND keyword = lower(OLD.flag) AND substr(OLD.flag, 1, 1) <> '\\';
    DELETE FROM tsmaddy_keywords WHERE mboxid = OLD.mboxid AND keyword = lower(OLD.flag) AND uses <= 0;
  END`,
]
