import { defineModule, ignored, MultiTable, MutableTable, Table, text } from '../../core/index.ts'
import { databaseDirectives, SqlTable } from './_sql.ts'

export default defineModule({
  name: 'table.sql_table',
  doc: 'A table of a database with a column for keys and one for values. It is made when it is not there.',
  provides: [Table, MultiTable, MutableTable],
  kept: true,
  config: {
    ...databaseDirectives,
    table_name: text('NAME')
      .required()
      .map((name, at) => ({ name, at }))
      .doc('The table, as it is written in SQL.'),
    key_column: text('NAME').default('key').doc('The column with the keys.'),
    value_column: text('NAME').default('value').doc('The column with the values.'),
  },
  inline: ignored(),
  create({ driver, dsn, table_name: { name, at }, key_column: key, value_column: value }, context) {
    const query = (sql: string) => ({ sql, at })
    return new SqlTable(
      {
        driver,
        dsn,
        named: false,
        make: query(`CREATE TABLE IF NOT EXISTS ${name} (${key} TEXT PRIMARY KEY NOT NULL, ${value} TEXT NOT NULL)`),
        lookup: query(`SELECT ${value} FROM ${name} WHERE ${key} = $1`),
        list: query(`SELECT ${key} FROM ${name}`),
        add: query(`INSERT INTO ${name} (${key}, ${value}) VALUES ($1, $2)`),
        set: query(`UPDATE ${name} SET ${value} = $2 WHERE ${key} = $1`),
        del: query(`DELETE FROM ${name} WHERE ${key} = $1`),
      },
      context,
    )
  },
})
