import { companionVersion, schemaVersion } from './migrate.ts'

/** What was found in a database, before anything was changed. */
export interface Found {
  /** maddy's version: 0 when its tables are not there. */
  readonly version: number
  /** The version of our own tables; undefined when there are none. */
  readonly companions: string | undefined
  /** Whether the triggers are those that are written here. */
  readonly current: boolean
  /** Messages there are. */
  readonly messages: number
  /** Mailboxes whose name differs from INBOX in case alone. */
  readonly misnamed: number
}

/** What a start would do to the database, in its order; nothing when it is as it should be. */
export const planOf = ({ version, companions, current, messages, misnamed }: Found): string[] => [
  ...(version === 0 ? [`make the tables of schema version ${schemaVersion}`] : []),
  ...(version === 5 ? [`add the column msgs.recent, and so go from schema version 5 to ${schemaVersion}`] : []),
  ...(misnamed > 0 ? [`rename ${counted(misnamed, 'mailbox', 'mailboxes')} that only case tells from INBOX`] : []),
  ...(companions === undefined
    ? ["add tsmaddy's own tables, indexes and triggers beside maddy's"]
    : companions !== companionVersion
      ? [`bring tsmaddy's own tables from version ${companions} to ${companionVersion}`]
      : []),
  ...(companions === undefined && messages > 0
    ? [
        `fill them for ${counted(messages, 'message', 'messages')}, and mend flags and counters that known defects left wrong`,
      ]
    : []),
  ...(companions === companionVersion && !current ? ['replace the triggers and indexes by those of this version'] : []),
]

const counted = (count: number, one: string, many: string): string => `${count} ${count === 1 ? one : many}`
