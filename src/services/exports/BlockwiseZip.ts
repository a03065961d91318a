/**
 * The writer of ZIPs, made to hand on blocks. By itself it writes each field of a
 * header as a buffer of its own, and the whole directory at once: for a hundred
 * thousand entries that is a gigabyte of buffers of two bytes. Nothing of what it
 * writes is changed.
 */
import ZipStream from "zip-stream"

const block = 1 << 16

/** What of the writer is used here besides what its types tell: how much it has written, by which it finds its entries. */
interface Counting {
  offset: number
}

export class BlockwiseZip extends ZipStream {
  #parts: Array<Buffer> = []
  #size = 0

  #flush(): boolean {
    if (this.#size === 0) return true
    const bytes = Buffer.concat(this.#parts, this.#size)
    this.#parts = []
    this.#size = 0
    // They were counted when they came, and are again.
    ;(this as unknown as Counting).offset -= bytes.length
    return super.write(bytes)
  }

  override write(chunk: Buffer | string): boolean {
    const bytes = typeof chunk === "string" ? Buffer.from(chunk) : chunk
    if (bytes.length >= block) {
      this.#flush()
      return super.write(bytes)
    }
    if (bytes.length > 0) {
      this.#parts.push(bytes)
      this.#size += bytes.length
      ;(this as unknown as Counting).offset += bytes.length
    }
    return this.#size < block ? !this.writableNeedDrain : this.#flush()
  }

  override end(): this {
    this.#flush()
    super.end()
    return this
  }
}
