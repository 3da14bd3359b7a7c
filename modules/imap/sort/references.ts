import type { StoredMessage } from '../../../core/index.ts'
import type { CachedHeader } from '../../../core/kit/message/structure.ts'
import { fold } from '../search/text.ts'
import { baseSubject } from './subject.ts'
import { eachMessage, sentDate } from './summary.ts'
import type { Thread, Threading } from './threads.ts'

/** A message in the making of threads, or the place of one that is only referred to. */
class Container {
  message:
    | { readonly uid: number; readonly date: number; readonly subject: string; readonly reply: boolean }
    | undefined
  parent: Container | undefined
  readonly children = new Set<Container>()

  /** Puts `child` below this one, away from where it was. */
  adopt(child: Container): void {
    child.parent?.children.delete(child)
    child.parent = this
    this.children.add(child)
  }

  /** Also true when it cannot be told soon: a chain so long is not made longer. */
  isBelow(other: Container): boolean {
    let steps = 0
    for (let at: Container | undefined = this; at; at = at.parent) if (at === other || ++steps > farthest) return true
    return false
  }
}

/** No thread is deeper: what lies below is put beside. */
const deepest = 200
const mostReferences = 100

/** How far up a chain is followed. */
const farthest = 1000

/** REFERENCES (RFC 5256 §3), in the six steps of the RFC. */
export const threadByReferences: Threading = async (view, uids) => {
  const containers = new Map<string, Container>()
  await eachMessage(view, uids, (message, header) => link(containers, message, header))
  const roots = [...containers.values()].filter(({ parent }) => !parent)
  const pruned = sorted(prune(roots))
  return sorted(mergeSubjects(pruned)).map((root) => finished(root, 0))
}

/** Step 1: a message goes below the last of its references, and each of those below the one before. */
function link(containers: Map<string, Container>, message: StoredMessage, header: CachedHeader): void {
  const named = identifiers(header['Message-Id']?.[0])[0]
  const taken = named === undefined || containers.get(named)?.message !== undefined
  const id = taken ? `uid ${message.uid}` : named // without an id of its own, or with one used before
  const own = containerOf(containers, id)
  const { base, reply } = baseSubject(header.Subject?.[0] ?? '')
  own.message = { uid: message.uid, date: sentDate(message), subject: fold(base), reply }
  const references = identifiers(header.References?.join(' '))
  const chain = references.length > 0 ? references : identifiers(header['In-Reply-To']?.[0]).slice(0, 1)
  let before: Container | undefined
  for (const reference of chain.slice(-mostReferences)) {
    const referred = containerOf(containers, reference)
    if (before && !referred.parent && !before.isBelow(referred)) before.adopt(referred)
    before = referred
  }
  if (before && !before.isBelow(own)) before.adopt(own)
  else if (!before) detach(own)
}

const detach = (container: Container): void => {
  container.parent?.children.delete(container)
  container.parent = undefined
}

function containerOf(containers: Map<string, Container>, id: string): Container {
  const known = containers.get(id)
  if (known) return known
  const made = new Container()
  containers.set(id, made)
  return made
}

const identifiers = (text = ''): string[] => text.match(/<[^<>\s]+>/g) ?? []

/** Step 3: places of messages that are not there go, unless they hold several threads together. */
function prune(roots: readonly Container[]): Container[] {
  const order: Container[] = []
  const open = [...roots]
  for (let next = open.pop(); next; next = open.pop()) {
    order.push(next)
    open.push(...next.children)
  }
  const kept = new Set(roots)
  for (const container of order.reverse()) {
    const { parent, children } = container
    if (container.message || (!parent && children.size > 1)) continue
    for (const child of [...children]) {
      if (parent) parent.adopt(child)
      else {
        detach(child)
        kept.add(child)
      }
    }
    if (parent) parent.children.delete(container)
    else kept.delete(container)
  }
  return [...kept]
}

/** Step 5: threads of the same subject become one. */
function mergeSubjects(roots: readonly Container[]): Container[] {
  const bySubject = new Map<string, Container>()
  for (const root of roots) {
    const subject = subjectOf(root)
    if (subject === '') continue
    const other = bySubject.get(subject)
    if (
      !other ||
      (!root.message && other.message) ||
      (isReply(other) && !isReply(root) && !root.message === !other.message)
    ) {
      bySubject.set(subject, root)
    }
  }
  const merged = new Set(roots)
  for (const root of roots) {
    const other = bySubject.get(subjectOf(root))
    if (!other || other === root || !merged.has(root)) continue
    merged.delete(root)
    if (!other.message && !root.message) for (const child of [...root.children]) other.adopt(child)
    else if (!other.message || (isReply(root) && !isReply(other))) other.adopt(root)
    else {
      const both = new Container()
      merged.delete(other)
      merged.add(both)
      both.adopt(other)
      both.adopt(root)
      bySubject.set(subjectOf(root), both)
    }
  }
  return [...merged]
}

const firstMessage = (container: Container): Container['message'] =>
  container.message ?? sorted([...container.children])[0]?.message
const subjectOf = (container: Container): string => firstMessage(container)?.subject ?? ''
const isReply = (container: Container): boolean => firstMessage(container)?.reply ?? false

/** Steps 4 and 6: by date, then by UID; a place without a message counts as its first child. */
const sorted = (containers: readonly Container[]): Container[] => {
  const keyed = containers.map((container) => ({ container, key: firstMessage(container) }))
  keyed.sort((a, b) => (a.key?.date ?? 0) - (b.key?.date ?? 0) || (a.key?.uid ?? 0) - (b.key?.uid ?? 0))
  return keyed.map(({ container }) => container)
}

function finished(container: Container, depth: number): Thread {
  const children = depth < deepest ? sorted([...container.children]) : sorted(below(container))
  return { uid: container.message?.uid, children: children.map((child) => finished(child, depth + 1)) }
}

/** All that is below, drawn up to one level. */
function below(container: Container): Container[] {
  const found: Container[] = []
  const open = [...container.children]
  for (let next = open.pop(); next; next = open.pop()) {
    found.push(next)
    open.push(...next.children)
    next.children.clear()
  }
  return found
}
