/** The fields of ZooKeeper's records (its "jute" encoding): big endian, lengths first, -1 for nothing. */
const int = (value: number): Buffer => {
  const bytes = Buffer.allocUnsafe(4)
  bytes.writeInt32BE(value)
  return bytes
}
const bytes = (value: Buffer | null): Buffer =>
  value === null ? int(-1) : Buffer.concat([int(value.length), value])

export const field = {
  int,
  bytes,
  text: (value: string): Buffer => bytes(Buffer.from(value)),
  no: Buffer.from([0]),
  yes: Buffer.from([1]),
}

export class Reader {
  readonly #packet: Buffer
  #at = 0
  constructor(packet: Buffer) {
    this.#packet = packet
  }

  int(): number {
    this.#at += 4
    return this.#packet.readInt32BE(this.#at - 4)
  }

  bytes(): Buffer | null {
    const length = this.int()
    if (length < 0) return null
    this.#at += length
    return Buffer.from(this.#packet.subarray(this.#at - length, this.#at))
  }

  text(): string {
    return this.bytes()?.toString() ?? ''
  }

  skip(length: number): void {
    this.#at += length
  }
}
