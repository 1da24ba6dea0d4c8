/** What is recorded beside Tor, and where: data only. */

/** Of the web server in tornet's plan. */
export const SERVER = "203.0.113.80";

/** What comes through Tor: `GET /N` gives N bytes, `POST` takes what it is given. */
export const THROUGH_TOR_PORT = 8081;

/**
 * A kind of TLS traffic that is not Tor's, with a port of its own, so that a capture tells which is which.
 *
 * @typedef {object} WebKind
 * @property {number} port
 * @property {string} what
 * @property {"http1" | "http2" | "messages"} speaks
 * @property {string} [cipher] - Of TLS 1.2; else TLS 1.3.
 * @property {"random" | "constant" | readonly number[]} sizes - Of answers; of both sides' messages.
 * @property {boolean} [mimics] - It sends Tor's sizes: nobody could tell but by names.
 */

/** @type {readonly WebKind[]} */
export const WEB_KINDS = [
  { port: 9001, what: "HTTP/1.1, pages of random size, keep-alive", speaks: "http1", sizes: "random" },
  { port: 9002, what: "HTTP/1.1, an API with answers of one size", speaks: "http1", sizes: "constant" },
  { port: 9003, what: "HTTP/2, parallel streams of random size", speaks: "http2", sizes: "random" },
  { port: 9004, what: "HTTP/2, an API with answers of one size", speaks: "http2", sizes: "constant" },
  { port: 9005, what: "messages of random size", speaks: "messages", sizes: "random" },
  { port: 9006, what: "messages of one size", speaks: "messages", sizes: "constant" },
  { port: 9007, what: "messages of 512 bytes", speaks: "messages", sizes: [512] },
  { port: 9008, what: "messages of 500 to 530 bytes", speaks: "messages", sizes: range(500, 530) },
  { port: 9010, what: "TLS 1.2, AES128-GCM", speaks: "http1", sizes: "random", cipher: "ECDHE-RSA-AES128-GCM-SHA256" },
  { port: 9011, what: "TLS 1.2, ChaCha20", speaks: "http1", sizes: "random", cipher: "ECDHE-RSA-CHACHA20-POLY1305" },
  { port: 9012, what: "TLS 1.2, CBC with SHA-1", speaks: "http1", sizes: "random", cipher: "ECDHE-RSA-AES128-SHA" },
  {
    port: 9013,
    what: "TLS 1.2, CBC with SHA-384",
    speaks: "http1",
    sizes: "random",
    cipher: "ECDHE-RSA-AES256-SHA384",
  },
  {
    port: 9014,
    what: "TLS 1.2, AES256-GCM, messages",
    speaks: "messages",
    sizes: "random",
    cipher: "AES256-GCM-SHA384",
  },
  { port: 9020, what: "messages of 514 bytes", speaks: "messages", sizes: [514], mimics: true },
  { port: 9021, what: "messages of 514 and 1,028 bytes", speaks: "messages", sizes: [514, 1028], mimics: true },
];

/** Names of the servers; the first has tor's form and the second arti's, as names that exist do. */
export const SERVER_NAMES = ["www.abcdefgh.com", "www.wikipedia.org", "stream.example.net", "www.example.com"];

/**
 * @param {number} from
 * @param {number} to
 */
function range(from, to) {
  return Array.from({ length: to - from + 1 }, (_, i) => from + i);
}
