/**
 * Tells whether names match a LIST pattern: `*` stands for anything, `%` for anything within one level. Takes time in
 * proportion to the square of the name's length at most, whatever the pattern.
 */
export function matcher(pattern: string, separator: string): (name: string) => boolean {
  const steps = pattern.replace(/[*%]{2,}/g, (run) => (run.includes('*') ? '*' : '%'))
  const shortest = steps.replace(/[*%]/g, '').length
  if (shortest === steps.length) return (name) => name === steps
  return (name) => name.length >= shortest && follow(steps, name, separator)
}

/** Follows all ways through the pattern at once; `reached` has the places in it at which a way may go on. */
function follow(steps: string, name: string, separator: string): boolean {
  let reached = new Uint8Array(steps.length + 1)
  reach(steps, reached, 0)
  for (let at = 0; at < name.length; at++) {
    const unit = name.charAt(at)
    const next = new Uint8Array(steps.length + 1)
    let alive = false
    for (let place = 0; place < steps.length; place++) {
      if (reached[place] === 0) continue
      const step = steps.charAt(place)
      const wild = step === '*' || step === '%'
      const passes = wild ? step === '*' || unit !== separator : step === unit
      if (passes) reach(steps, next, wild ? place : place + 1)
      alive ||= passes
    }
    if (!alive) return false
    reached = next
  }
  return reached[steps.length] === 1
}

/** A wildcard stands for nothing too, so the place behind it is reached with it. */
function reach(steps: string, reached: Uint8Array, place: number): void {
  reached[place] = 1
  const step = steps.charAt(place)
  if (step === '*' || step === '%') reached[place + 1] = 1
}
