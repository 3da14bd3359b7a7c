import { ConfigError, defineModule, flag, ignored, MultiTable, MutableTable, Table } from '../../core/index.ts'
import { databaseDirectives, queries, query, SqlTable } from './_sql.ts'

export default defineModule({
  name: 'table.sql_query',
  doc: 'A table that is looked up, and if wanted edited, by queries of your own.',
  provides: [Table, MultiTable, MutableTable],
  kept: true,
  config: {
    ...databaseDirectives,
    init: queries().doc('Statements to run once at the start, in this order.'),
    named_args: flag()
      .default('no')
      .map((named, at) => (named ? at : undefined))
      .doc('Lets queries say :key and :value for $1 and $2. SQLite only.'),
    lookup: query().required().doc('The query for the values of the key $1: one column, a row for each value.'),
    list: query().doc('The query for all keys.'),
    add: query().doc('The statement that adds the key $1 with the value $2, and fails when the key is there.'),
    set: query().doc('The statement that gives the key $1, which is there, the value $2.'),
    del: query().doc('The statement that removes the key $1.'),
  },
  inline: ignored(),
  create({ init, named_args, ...options }, context) {
    if (named_args && options.driver === 'postgres') {
      throw new ConfigError(named_args, 'PostgreSQL has no named parameters: write $1 for the key and $2 for the value')
    }
    return new SqlTable({ ...options, ...(init && { init }), named: named_args !== undefined }, context)
  },
})
