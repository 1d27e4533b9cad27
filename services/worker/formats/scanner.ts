/** A place in a text that moves forward: what our own parsers have in common. */
import type { Source } from './source.ts'

export class Scanner {
  readonly source: Source
  at = 0

  constructor(source: Source) {
    this.source = source
  }

  get isEnd(): boolean {
    return this.at >= this.source.text.length
  }

  /** The next character, or '' at the end. */
  get next(): string {
    return this.source.text.charAt(this.at)
  }

  startsWith(text: string): boolean {
    return this.source.text.startsWith(text, this.at)
  }

  /** Takes exactly this text if it comes next. */
  take(text: string): boolean {
    if (!this.startsWith(text)) return false
    this.at += text.length
    return true
  }

  /** Takes what a sticky expression matches here, or null. */
  match(sticky: RegExp): string | null {
    sticky.lastIndex = this.at
    const found = sticky.exec(this.source.text)
    if (!found) return null
    this.at += found[0].length
    return found[0]
  }

  fail(problem: string, at = this.at): never {
    return this.source.fail(at, problem)
  }

  /** What comes next, for messages: a kind of character, never a value. */
  get found(): string {
    if (this.isEnd) return 'the end of the file'
    return /[\r\n]/.test(this.next) ? 'the end of the line' : JSON.stringify(this.next)
  }
}
