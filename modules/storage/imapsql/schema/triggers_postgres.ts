/** A trigger with its function, which has the trigger's name. */
export interface Trigger {
  readonly name: string
  readonly when: string
  readonly body: string
}

/**
 * What keeps the companions. But for the few rows of accounts and mailboxes, they are fired once for a statement, however
 * many rows it changes: a counter that is changed a thousand times in one transaction leaves a thousand versions of itself
 * behind, and each change would look through all those before it. `schema` is quoted; tables are named with it, since
 * whoever else writes may have another search_path.
 */
export const triggersIn = (schema: string): readonly Trigger[] => {
  const table = (name: string): string => `${schema}.${name}`
  const kept = (rows: string): string =>
    `SELECT * FROM ${rows} r WHERE EXISTS (SELECT 1 FROM ${table('mboxes')} b WHERE b.id = r.mboxid)`
  const resize = (rows: string, sign: '+' | '-'): string => `
    UPDATE ${table('tsmaddy_users')} t SET size = t.size ${sign} n.size FROM (
      SELECT b.uid, sum(r.bodylen) AS size FROM ${rows} r JOIN ${table('mboxes')} b ON b.id = r.mboxid GROUP BY b.uid
    ) AS n WHERE t.uid = n.uid;`
  /** Flags put on, or taken off, messages that are there: each of these gets a mod-sequence of its own. */
  const changeFlags = (rows: string, sign: '+' | '-'): string => `
    WITH grown AS (
      UPDATE ${table('tsmaddy_mboxes')} t
        SET modseq = t.modseq + n.messages, seen = t.seen ${sign} n.seen, deleted = t.deleted ${sign} n.deleted
        FROM (
          SELECT r.mboxid, count(DISTINCT m.msgid) AS messages,
            count(*) FILTER (WHERE r.flag = '\\Seen') AS seen, count(*) FILTER (WHERE r.flag = '\\Deleted') AS deleted
          FROM (${kept(rows)}) AS r
          LEFT JOIN ${table('msgs')} m ON m.mboxid = r.mboxid AND m.msgid = r.msgid GROUP BY r.mboxid
        ) AS n WHERE t.mboxid = n.mboxid RETURNING t.mboxid, t.modseq - n.messages AS modseq
    )
    UPDATE ${table('tsmaddy_msgs')} t SET modseq = n.modseq FROM (
      SELECT g.mboxid, m.msgid, g.modseq + row_number() OVER (PARTITION BY g.mboxid ORDER BY m.msgid) AS modseq
      FROM grown g JOIN (SELECT DISTINCT mboxid, msgid FROM ${rows}) AS r ON r.mboxid = g.mboxid
      JOIN ${table('msgs')} m ON m.mboxid = r.mboxid AND m.msgid = r.msgid
    ) AS n WHERE t.mboxid = n.mboxid AND t.uid = n.msgid;`
  const markSeen = (rows: string, seen: 0 | 1): string => `
    UPDATE ${table('msgs')} m SET seen = ${seen} FROM ${rows} r
      WHERE r.flag = '\\Seen' AND m.mboxid = r.mboxid AND m.msgid = r.msgid AND m.seen <> ${seen};`
  return [
    {
      name: 'tsmaddy_account_added',
      when: 'AFTER INSERT ON users FOR EACH ROW',
      body: `INSERT INTO ${table('tsmaddy_users')} (uid) VALUES (NEW.id) ON CONFLICT (uid) DO NOTHING;`,
    },
    {
      name: 'tsmaddy_account_removed',
      when: 'AFTER DELETE ON users FOR EACH ROW',
      body: `DELETE FROM ${table('tsmaddy_users')} WHERE uid = OLD.id;`,
    },
    {
      name: 'tsmaddy_mailbox_added',
      when: 'AFTER INSERT ON mboxes FOR EACH ROW',
      body: `INSERT INTO ${table('tsmaddy_mboxes')} (mboxid) VALUES (NEW.id) ON CONFLICT (mboxid) DO NOTHING;`,
    },
    {
      name: 'tsmaddy_mailbox_removed',
      when: 'AFTER DELETE ON mboxes FOR EACH ROW',
      body: `
    UPDATE ${table('tsmaddy_users')} t SET size = t.size - m.size FROM ${table('tsmaddy_mboxes')} m
      WHERE t.uid = OLD.uid AND m.mboxid = OLD.id;
    DELETE FROM ${table('tsmaddy_mboxes')} WHERE mboxid = OLD.id;
    DELETE FROM ${table('tsmaddy_msgs')} WHERE mboxid = OLD.id;
    DELETE FROM ${table('tsmaddy_expunged')} WHERE mboxid = OLD.id;
    DELETE FROM ${table('tsmaddy_keywords')} WHERE mboxid = OLD.id;`,
    },
    {
      name: 'tsmaddy_message_added',
      when: 'AFTER INSERT ON msgs REFERENCING NEW TABLE AS added FOR EACH STATEMENT',
      body: `
    WITH grown AS (
      UPDATE ${table('tsmaddy_mboxes')} t SET modseq = t.modseq + n.messages, messages = t.messages + n.messages,
          recent = t.recent + n.recent, size = t.size + n.size
        FROM (
          SELECT mboxid, count(*) AS messages, sum(recent) AS recent, sum(bodylen) AS size FROM added GROUP BY mboxid
        ) AS n WHERE t.mboxid = n.mboxid RETURNING t.mboxid, t.modseq - n.messages AS modseq
    )
    INSERT INTO ${table('tsmaddy_msgs')} (mboxid, uid, modseq, date, size)
      SELECT a.mboxid, a.msgid, g.modseq + row_number() OVER (PARTITION BY a.mboxid ORDER BY a.msgid), a.date, a.bodylen
      FROM added a JOIN grown g ON g.mboxid = a.mboxid;${resize('added', '+')}`,
    },
    {
      name: 'tsmaddy_message_changed',
      when: 'AFTER UPDATE ON msgs REFERENCING OLD TABLE AS before NEW TABLE AS after FOR EACH STATEMENT',
      body: `
    UPDATE ${table('tsmaddy_mboxes')} t SET recent = t.recent + n.recent FROM (
      SELECT mboxid, sum(recent) AS recent FROM (
        SELECT mboxid, recent FROM after UNION ALL SELECT mboxid, -recent FROM before
      ) AS c GROUP BY mboxid HAVING sum(recent) <> 0
    ) AS n WHERE t.mboxid = n.mboxid;`,
    },
    {
      // When a whole mailbox goes, its row is already gone here, and so its messages leave no trace.
      name: 'tsmaddy_message_removed',
      when: 'AFTER DELETE ON msgs REFERENCING OLD TABLE AS removed FOR EACH STATEMENT',
      body: `
    WITH kept AS (${kept('removed')}), shrunk AS (
      UPDATE ${table('tsmaddy_mboxes')} t SET modseq = t.modseq + n.messages, messages = t.messages - n.messages,
          recent = t.recent - n.recent, size = t.size - n.size
        FROM (
          SELECT mboxid, count(*) AS messages, sum(recent) AS recent, sum(bodylen) AS size FROM kept GROUP BY mboxid
        ) AS n WHERE t.mboxid = n.mboxid RETURNING t.mboxid, t.modseq - n.messages AS modseq
    ), forgotten AS (
      DELETE FROM ${table('tsmaddy_msgs')} t USING kept k WHERE t.mboxid = k.mboxid AND t.uid = k.msgid
    )
    INSERT INTO ${table('tsmaddy_expunged')} (mboxid, modseq, uid)
      SELECT k.mboxid, s.modseq + row_number() OVER (PARTITION BY k.mboxid ORDER BY k.msgid), k.msgid
      FROM kept k JOIN shrunk s ON s.mboxid = k.mboxid;${resize('removed', '-')}`,
    },
    {
      name: 'tsmaddy_flag_added',
      when: 'AFTER INSERT ON flags REFERENCING NEW TABLE AS added FOR EACH STATEMENT',
      body: `
    IF NOT EXISTS (SELECT 1 FROM added) THEN RETURN NULL; END IF;${changeFlags('added', '+')}${markSeen('added', 1)}
    INSERT INTO ${table('tsmaddy_keywords')} AS k (mboxid, keyword, spelling, uses)
      SELECT mboxid, lower(flag), (array_agg(flag ORDER BY msgid))[1], count(*) FROM added
      WHERE left(flag, 1) <> '\\' GROUP BY mboxid, lower(flag)
      ON CONFLICT (mboxid, keyword) DO UPDATE SET uses = k.uses + excluded.uses;`,
    },
    {
      name: 'tsmaddy_flag_removed',
      when: 'AFTER DELETE ON flags REFERENCING OLD TABLE AS removed FOR EACH STATEMENT',
      body: `
    IF NOT EXISTS (SELECT 1 FROM removed) THEN RETURN NULL; END IF;${changeFlags('removed', '-')}${markSeen('removed', 0)}
    UPDATE ${table('tsmaddy_keywords')} k SET uses = k.uses - n.uses FROM (
      SELECT mboxid, lower(flag) AS keyword, count(*) AS uses FROM removed
      WHERE left(flag, 1) <> '\\' GROUP BY mboxid, lower(flag)
    ) AS n WHERE k.mboxid = n.mboxid AND k.keyword = n.keyword;
    DELETE FROM ${table('tsmaddy_keywords')} k USING removed r
      WHERE k.mboxid = r.mboxid AND k.keyword = lower(r.flag) AND k.uses <= 0;`,
    },
  ]
}
