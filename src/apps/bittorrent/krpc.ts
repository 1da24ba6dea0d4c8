const LETTER_D = 0x64;
const LETTER_E = 0x65;
const LETTER_I = 0x69;
const LETTER_L = 0x6c;
const LETTER_A = 0x61;
const LETTER_R = 0x72;
const LETTER_Q = 0x71;
const LETTER_T = 0x74;
const LETTER_V = 0x76;
const LETTER_Y = 0x79;
const COLON = 0x3a;
const MINUS = 0x2d;
const MAX_DEPTH = 8;
const MAX_NUMBER_BYTES = 20;
/** A UDP payload is no longer. */
const MAX_STRING = 65_535;

/**
 * Finds the parts of a KRPC message, the bencoded dictionaries of BitTorrent's DHT. Offsets are -1 where a part is
 * missing. Decodes one message after the other, and allocates nothing for them.
 *
 * Source: BEP 5, BEP 3 (bencoding), BEP 42 (`ip`).
 */
export class KrpcMessage {
  /** `q`, `r` or `e` as a byte; 0 where the message does not say. */
  kind = 0;
  hasTransaction = false;
  /** Name of the query: [queryStart, queryEnd). */
  queryStart = -1;
  queryEnd = -1;
  /** Node id, 20 bytes. */
  id = -1;
  /** 20 bytes. */
  infoHash = -1;
  /** Port announced. */
  port = -1;
  /** Version, 4 bytes. */
  version = -1;
  /** How the other side sees this one: 4 or 16 bytes of address and 2 of port. */
  ip = -1;
  ipBytes = 0;

  #view: DataView = new DataView(new ArrayBuffer(0));
  #at = 0;
  #end = 0;
  // The string read last.
  #start = 0;
  #length = 0;
  #number = 0;

  /**
   * @param end - Just past the last captured byte.
   * @returns Whether this is one whole dictionary and nothing after it. Where not, what stood before the damage was found.
   */
  decode(view: DataView, start: number, end: number): boolean {
    this.kind = 0;
    this.hasTransaction = false;
    this.queryStart = this.queryEnd = this.id = this.infoHash = this.port = this.version = this.ip = -1;
    this.ipBytes = 0;
    this.#view = view;
    this.#at = start;
    this.#end = end;
    if (end - start < 2 || view.getUint8(start) !== LETTER_D) return false;
    this.#at = start + 1;
    return this.#message() && this.#at === end;
  }

  #message(): boolean {
    while (this.#peek() !== LETTER_E) {
      if (!this.#string()) return false;
      const key = this.#length === 1 ? this.#view.getUint8(this.#start) : 0;
      const isIp = this.#length === 2 && this.#view.getUint16(this.#start) === 0x6970;
      if ((key === LETTER_A || key === LETTER_R) && this.#peek() === LETTER_D) {
        this.#at++;
        if (!this.#arguments()) return false;
        continue;
      }
      const isString = this.#peek() >= 0x30 && this.#peek() <= 0x39;
      if (!this.#value(0)) return false;
      if (!isString) continue;
      if (key === LETTER_Y && this.#length === 1) this.kind = this.#view.getUint8(this.#start);
      else if (key === LETTER_T) this.hasTransaction = true;
      else if (key === LETTER_Q) {
        this.queryStart = this.#start;
        this.queryEnd = this.#start + this.#length;
      } else if (key === LETTER_V && this.#length === 4) this.version = this.#start;
      else if (isIp && (this.#length === 6 || this.#length === 18)) {
        this.ip = this.#start;
        this.ipBytes = this.#length - 2;
      }
    }
    this.#at++;
    return true;
  }

  /** The dictionary of `a` or `r`, after its d. */
  #arguments(): boolean {
    while (this.#peek() !== LETTER_E) {
      if (!this.#string()) return false;
      const isId = this.#is("id");
      const isHash = this.#is("info_hash");
      const isPort = this.#is("port");
      const kind = this.#peek();
      if (!this.#value(0)) return false;
      if (kind === LETTER_I && isPort) this.port = this.#number;
      else if (kind >= 0x30 && kind <= 0x39 && this.#length === 20) {
        if (isId) this.id = this.#start;
        else if (isHash) this.infoHash = this.#start;
      }
    }
    this.#at++;
    return true;
  }

  /** Any value; the containers within are walked, to a depth. */
  #value(depth: number): boolean {
    const kind = this.#peek();
    if (kind === LETTER_I) return this.#integer();
    if (kind !== LETTER_L && kind !== LETTER_D) return this.#string();
    if (depth >= MAX_DEPTH) return false;
    this.#at++;
    while (this.#peek() !== LETTER_E) {
      if (kind === LETTER_D && !this.#string()) return false;
      if (!this.#value(depth + 1)) return false;
    }
    this.#at++;
    return true;
  }

  /** The byte here; 0 at the end, which no value begins with. */
  #peek(): number {
    return this.#at < this.#end ? this.#view.getUint8(this.#at) : 0;
  }

  #is(word: string): boolean {
    if (this.#length !== word.length) return false;
    for (let i = 0; i < word.length; i++) if (this.#view.getUint8(this.#start + i) !== word.charCodeAt(i)) return false;
    return true;
  }

  /** length ":" bytes */
  #string(): boolean {
    let length = 0;
    const first = this.#at;
    for (;;) {
      const byte = this.#peek();
      if (byte === COLON && this.#at > first) break;
      if (byte < 0x30 || byte > 0x39) return false;
      length = length * 10 + byte - 0x30;
      if (length > MAX_STRING || this.#at - first >= MAX_NUMBER_BYTES) return false;
      this.#at++;
    }
    this.#at++;
    if (this.#end - this.#at < length) return false;
    this.#start = this.#at;
    this.#length = length;
    this.#at += length;
    return true;
  }

  /** "i" digits "e" */
  #integer(): boolean {
    this.#at++;
    const first = this.#at;
    const negative = this.#peek() === MINUS;
    if (negative) this.#at++;
    let number = 0;
    let digits = 0;
    for (; this.#peek() !== LETTER_E; this.#at++) {
      const byte = this.#peek();
      if (byte < 0x30 || byte > 0x39 || this.#at - first >= MAX_NUMBER_BYTES) return false;
      number = number * 10 + byte - 0x30;
      digits++;
    }
    this.#at++;
    this.#number = negative ? -number : number;
    return digits > 0;
  }
}
