export { type ClientHello, readClientHello } from "./client-hello.js";
export { isDohResolver } from "./doh-resolvers.js";
export { noteClientHello, noteServerHello } from "./hello-facts.js";
export { HelloPieces } from "./hello-pieces.js";
export { ja4 } from "./ja4.js";
export { MessagePieces } from "./message-pieces.js";
export { readServerHello } from "./server-hello.js";
export { tls } from "./tls.js";
