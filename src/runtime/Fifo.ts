/** A first-in-first-out list whose both ends cost the same however long it is. */
export interface Fifo<A> {
  items: Array<A | undefined>
  head: number
}

export const make = <A>(): Fifo<A> => ({ items: [], head: 0 })

export const size = <A>(fifo: Fifo<A>): number => fifo.items.length - fifo.head

export const peek = <A>(fifo: Fifo<A>): A | undefined => fifo.items[fifo.head]

export const push = <A>(fifo: Fifo<A>, item: A): void => {
  fifo.items.push(item)
}

export const shift = <A>(fifo: Fifo<A>): A | undefined => {
  if (fifo.head === fifo.items.length) return undefined
  const item = fifo.items[fifo.head]
  fifo.items[fifo.head++] = undefined
  // Move what is left to the front when most of the array is behind the head.
  if (fifo.head > 32 && fifo.head * 2 > fifo.items.length) {
    fifo.items = fifo.items.slice(fifo.head)
    fifo.head = 0
  }
  return item
}

/** Takes one item out of the middle; false where it is not there. */
export const remove = <A>(fifo: Fifo<A>, item: A): boolean => {
  const at = fifo.items.indexOf(item, fifo.head)
  if (at === -1) return false
  fifo.items.splice(at, 1)
  return true
}

/** Items from the oldest on. */
export const values = <A>(fifo: Fifo<A>): ReadonlyArray<A> => fifo.items.slice(fifo.head) as Array<A>
