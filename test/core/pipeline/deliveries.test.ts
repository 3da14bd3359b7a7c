import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseAddress } from '../../../core/kit/address/index.ts'
import { Deliveries } from '../../../core/pipeline/deliveries.ts'
import { recorder, sampleEnvelope } from '../../support/target.ts'

test('recipients that become too many are left for another transaction, however long a list may be by itself', async () => {
  const { target } = recorder()
  const list = (given: string, length: number) =>
    Array.from({ length }, (_, n) => ({
      to: parseAddress(`${n}@a.example`),
      given: parseAddress(given),
      original: parseAddress(given),
      targets: [target],
    }))
  await using deliveries = new Deliveries(sampleEnvelope('s@s.example'), 10)
  await deliveries.add(list('short@a.example', 8))
  await assert.rejects(deliveries.add(list('other@a.example', 8)), { code: 452, enhanced: '4.5.3' })
  await deliveries.add(list('one@a.example', 2))
  await using others = new Deliveries(sampleEnvelope('s@s.example'), 10)
  await others.add(list('long@a.example', 12))
})
