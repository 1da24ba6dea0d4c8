/** A fixed-size cell of link protocol 4 and later: circuit 4, command 1, body 509. */
const CELL_BYTES = 514;
/**
 * tor hands over its buffer in chunks of 4,048 bytes, so that a burst of many cells is cut anywhere, but ends with a cell.
 * The longest burst that was seen whole had 6 records, and 32 cells.
 */
const MAX_BURST_RECORDS = 16;
/** TLS's encrypted handshake and the cells of variable size before the first whole one: 7 records were seen. */
export const MAX_OPENING_RECORDS = 8;

/** Whether a cell begins where the burst that has not ended began. */
const Place = { Unknown: 0, Guessed: 1, Known: 2 } as const;

/**
 * Counts the records of one direction that are whole cells: alone (the plaintext is a multiple of 514 bytes), or together
 * (the sum of consecutive ones is), behind a place where a cell begins.
 */
export class CellCount {
  /** All that were taken in. */
  records = 0;
  /** Records of whole cells. */
  whole = 0;
  /** Records that are none. Not counted: the link's opening, and a burst that has not ended yet. */
  others = 0;
  /** Bursts of whole cells. */
  bursts = 0;
  /** Cells in a burst; 0 before the first one. */
  fewestCells = 0;
  mostCells = 0;
  #openingRecords = 0;
  #previousBytes = 0;
  /** Of the burst that has not ended: records, and their bytes. */
  #open = 0;
  #openBytes = 0;
  #place: (typeof Place)[keyof typeof Place] = Place.Unknown;

  /** Whether bursts were of different lengths: messages of one size are common. */
  get isVaried(): boolean {
    return this.mostCells > this.fewestCells;
  }

  /** A cell begins with the next record. */
  begin(): void {
    this.#startBurst(Place.Known);
  }

  /**
   * Takes in the next record.
   *
   * @param bytes - Of plaintext; up to `slack` less where padding hides it.
   */
  take(bytes: number, slack: number): void {
    this.records++;
    // Chunks are of one size, and what is left over ends a burst.
    const isShorter = bytes < this.#previousBytes;
    this.#previousBytes = bytes;
    if (endsCell(bytes, slack)) {
      // What was open did not end with a cell: not Tor's, or records between were lost.
      this.#startBurst(Place.Known);
      this.#count(1, bytes);
      return;
    }
    this.#open++;
    this.#openBytes += Math.max(bytes, 0);
    if (this.#place !== Place.Unknown && endsCell(this.#openBytes, slack * this.#open)) {
      this.#count(this.#open, this.#openBytes);
    } else if (isShorter && this.#place !== Place.Known) this.#startBurst(Place.Guessed);
    else if (this.#open >= MAX_BURST_RECORDS) this.#startBurst(Place.Unknown);
  }

  #count(records: number, bytes: number): void {
    const cells = Math.floor(bytes / CELL_BYTES);
    if (this.bursts === 0 || cells < this.fewestCells) this.fewestCells = cells;
    if (cells > this.mostCells) this.mostCells = cells;
    this.whole += records;
    this.bursts++;
    this.#open = 0;
    this.#openBytes = 0;
    this.#place = Place.Known;
  }

  /** With the next record. What is open is given up. */
  #startBurst(place: (typeof Place)[keyof typeof Place]): void {
    const free = this.bursts > 0 ? 0 : Math.min(this.#open, MAX_OPENING_RECORDS - this.#openingRecords);
    this.#openingRecords += free;
    this.others += this.#open - free;
    this.#open = 0;
    this.#openBytes = 0;
    this.#place = place;
  }
}

function endsCell(bytes: number, slack: number): boolean {
  return bytes >= CELL_BYTES && bytes % CELL_BYTES <= slack;
}
