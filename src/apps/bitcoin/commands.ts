/** Commands of peers, of Bitcoin Core's protocol.h by its releases so far and of the BIPs before them. */
export const KNOWN_COMMANDS: ReadonlySet<string> = new Set([
  "version",
  "verack",
  "addr",
  "addrv2",
  "sendaddrv2",
  "inv",
  "getdata",
  "merkleblock",
  "getblocks",
  "getheaders",
  "tx",
  "headers",
  "block",
  "getaddr",
  "mempool",
  "ping",
  "pong",
  "notfound",
  "filterload",
  "filteradd",
  "filterclear",
  "sendheaders",
  "feefilter",
  "sendcmpct",
  "cmpctblock",
  "getblocktxn",
  "blocktxn",
  "getcfilters",
  "cfilter",
  "getcfheaders",
  "cfheaders",
  "getcfcheckpt",
  "cfcheckpt",
  "wtxidrelay",
  "sendtxrcncl",
  "alert",
  "reject",
]);

/** Each side says about 20 in a day. */
export const MAX_COMMANDS = 32;

/** The commands that a side has said, each as three numbers: looked up for each message of a flow without allocating. */
export class CommandSet {
  // Three for each: a typed array would have its bytes elsewhere, which is a second place in memory to look at.
  readonly #words: number[] = [];

  get isFull(): boolean {
    return this.#words.length === MAX_COMMANDS * 3;
  }

  /** @param at - Of the 12 bytes. */
  has(view: DataView, at: number): boolean {
    const first = view.getInt32(at);
    const second = view.getInt32(at + 4);
    const third = view.getInt32(at + 8);
    const words = this.#words;
    for (let i = 0; i < words.length; i += 3) {
      if (words[i] === first && words[i + 1] === second && words[i + 2] === third) return true;
    }
    return false;
  }

  /** To be called when it is not full. */
  add(view: DataView, at: number): void {
    this.#words.push(view.getInt32(at), view.getInt32(at + 4), view.getInt32(at + 8));
  }
}
