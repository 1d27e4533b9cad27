/**
 * A set of very many keys in few bytes: 53-bit hashes in one flat table, 16 to 32 bytes each, where a
 * `Set` of strings takes over a hundred. It may say yes for a key that is not in it (once in 10^15), so
 * whoever hears yes looks again; it never says no for one that is.
 */
export class KeySet {
  #slots = new Float64Array(1 << 12)
  #size = 0

  add(key: string): void {
    if (this.#size * 2 >= this.#slots.length) this.#grow()
    if (place(this.#slots, hashOf(key))) this.#size++
  }

  has(key: string): boolean {
    const hash = hashOf(key)
    const mask = this.#slots.length - 1
    for (let i = slotOf(hash, mask); ; i = (i + 1) & mask) {
      if (this.#slots[i] === hash) return true
      if (this.#slots[i] === 0) return false
    }
  }

  #grow(): void {
    const slots = new Float64Array(this.#slots.length * 2)
    for (const hash of this.#slots) if (hash !== 0) place(slots, hash)
    this.#slots = slots
  }
}

const slotOf = (hash: number, mask: number): number => (hash % 4_294_967_296) & mask

const place = (slots: Float64Array, hash: number): boolean => {
  const mask = slots.length - 1
  for (let i = slotOf(hash, mask); ; i = (i + 1) & mask) {
    if (slots[i] === hash) return false
    if (slots[i] !== 0) continue
    slots[i] = hash
    return true
  }
}

/** Two multiplicative hashes of the characters side by side; never 0. */
const hashOf = (key: string): number => {
  let a = 0x811c9dc5
  let b = 0x9e3779b9
  for (let i = 0; i < key.length; i++) {
    const code = key.charCodeAt(i)
    a = Math.imul(a ^ code, 0x01000193)
    b = Math.imul(b ^ code, 0x85ebca6b)
    b ^= b >>> 13
  }
  a ^= a >>> 15
  return (b & 0x1fffff) * 4_294_967_296 + (a >>> 0) + 1
}
