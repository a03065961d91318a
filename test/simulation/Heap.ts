/** A heap of things that have a time; of those with the same time the one that came first comes first. */

interface Timed {
  readonly at: number
  readonly order: number
}

const earlier = (a: Timed, b: Timed): boolean => a.at < b.at || (a.at === b.at && a.order < b.order)

export const insert = <A extends Timed>(heap: Array<A>, item: A): void => {
  let at = heap.push(item) - 1
  while (at > 0) {
    const parent = (at - 1) >> 1
    if (!earlier(item, heap[parent]!)) break
    heap[at] = heap[parent]!
    at = parent
  }
  heap[at] = item
}

export const extract = <A extends Timed>(heap: Array<A>): A => {
  const first = heap[0]!
  const last = heap.pop()!
  if (heap.length === 0) return first
  let at = 0
  while (true) {
    let child = at * 2 + 1
    if (child >= heap.length) break
    if (child + 1 < heap.length && earlier(heap[child + 1]!, heap[child]!)) child++
    if (!earlier(heap[child]!, last)) break
    heap[at] = heap[child]!
    at = child
  }
  heap[at] = last
  return first
}
