/** Made-up TLS connections that are not Tor's: the plaintext bytes of their records, as simple as such traffic can be told. */

/** @typedef {() => number} Random - 0 to below 1. */
/** @typedef {readonly [side: 0 | 1, bytes: number]} Plain */

/** @typedef {{ what: string, make: (random: Random) => Plain[] }} Model */

const MOST_EXCHANGES = 60;
const FULL_RECORD = 16_384;
/** Records of servers that begin with small ones so that the first can be decrypted at once. */
const SMALL_RECORD = 1_369;

/** @type {readonly Model[]} */
export const MODELS = [
  {
    what: "records of any size",
    make: (random) => exchanges(random, () => [[side(random), between(random, 1, FULL_RECORD)]]),
  },
  {
    what: "records of any even size below 2,600",
    make: (random) => exchanges(random, () => [[side(random), 2 * between(random, 1, 1_300)]]),
  },
  {
    what: "HTTP/1.1, header and body apart",
    make: (random) =>
      exchanges(random, () => [[0, between(random, 80, 900)], [1, between(random, 150, 700)], ...body(random, 0)]),
  },
  {
    what: "HTTP/2",
    make: (random) =>
      exchanges(random, () => [
        [0, 9 + between(random, 20, 300)],
        [1, 9 + between(random, 20, 200)],
        ...body(random, 9),
        [0, 13],
      ]),
  },
  {
    what: "small records first, then full ones",
    make: (random) =>
      exchanges(random, () => [
        [0, between(random, 100, 900)],
        ...Array.from({ length: 20 }, () => plain(1, SMALL_RECORD)),
        ...body(random, 0),
      ]),
  },
  {
    what: "an API: questions and answers each of one size",
    make(random) {
      const [question, answer] = [between(random, 20, 4_000), between(random, 20, 4_000)];
      return exchanges(random, () => [
        [0, question],
        [1, answer],
      ]);
    },
  },
  {
    what: "an API: each of one size, header and body apart",
    make(random) {
      const [question, header, answer] = [
        between(random, 20, 2_000),
        between(random, 100, 800),
        between(random, 20, 4_000),
      ];
      return exchanges(random, () => [
        [0, question],
        [1, header],
        [1, answer],
      ]);
    },
  },
  {
    what: "messages of two sizes each",
    make(random) {
      const sizes = Array.from({ length: 4 }, () => between(random, 10, 3_000));
      return exchanges(random, () => [
        [0, sizes[Math.floor(random() * 2)] ?? 0],
        [1, sizes[2 + Math.floor(random() * 2)] ?? 0],
      ]);
    },
  },
  {
    what: "messages of one size, both sides the same",
    make(random) {
      const size = between(random, 10, 5_000);
      return exchanges(random, () => [
        [0, size],
        [1, size],
      ]);
    },
  },
  {
    what: "blocks of 16 to 1,024 bytes",
    make(random) {
      const block = 2 ** between(random, 4, 10);
      return exchanges(random, () => [[side(random), block * between(random, 1, FULL_RECORD / block)]]);
    },
  },
  {
    what: "a tunnel of IP packets",
    make: (random) =>
      exchanges(random, () => [
        [side(random), [40, 52, 1_400, 1_400, between(random, 60, 1_400)][between(random, 0, 4)] ?? 0],
      ]),
  },
  {
    what: "a stream of steady rate",
    make(random) {
      const mean = between(random, 100, 6_000);
      return exchanges(random, (i) =>
        i % 10 === 0
          ? [
              [0, between(random, 20, 80)],
              [1, near(random, mean)],
            ]
          : [[1, near(random, mean)]],
      );
    },
  },
];

/**
 * Encrypted handshake of TLS 1.3, then what is given.
 *
 * @param {Random} random
 * @param {(i: number) => Plain[]} exchange
 * @returns {Plain[]}
 */
function exchanges(random, exchange) {
  const handshake = [plain(1, 6), plain(1, between(random, 800, 4_000)), plain(1, 264), plain(1, 52), plain(0, 52)];
  const count = between(random, 3, MOST_EXCHANGES);
  return [...handshake, ...Array.from({ length: count }, (_, i) => exchange(i)).flat()];
}

/**
 * As many small ones as large ones of each order of magnitude, in full records.
 *
 * @param {Random} random
 * @param {number} frame - Bytes before the data of each record.
 * @returns {Plain[]}
 */
function body(random, frame) {
  const records = [];
  for (let left = Math.floor(Math.exp(random() * Math.log(200_000))); left > 0; left -= FULL_RECORD - frame) {
    records.push(plain(1, Math.min(left + frame, FULL_RECORD)));
  }
  return records;
}

/** @param {0 | 1} from @param {number} bytes @returns {Plain} */
function plain(from, bytes) {
  return [from, bytes];
}

/** @param {Random} random @param {number} mean */
function near(random, mean) {
  return Math.max(1, Math.round(mean * (0.95 + random() / 10)));
}

/** @param {Random} random @returns {0 | 1} */
function side(random) {
  return random() < 0.5 ? 0 : 1;
}

/** Both included. @param {Random} random @param {number} least @param {number} most */
function between(random, least, most) {
  return least + Math.floor(random() * (most - least + 1));
}
