import { ByteText } from "./byte-text.js";

const RECORD_HANDSHAKE = 22;
const CLIENT_HELLO = 1;
const EXTENSION_SERVER_NAME = 0;
const NAME_TYPE_HOST = 0;
const MAX_HOST_NAME = 255;
/** For one name after the other. */
const NAME = new ByteText(MAX_HOST_NAME);

/**
 * Reads the server name (SNI) of a TLS ClientHello at the start of a TCP payload. A ClientHello that goes on in the
 * next segment is read as far as it reaches.
 *
 * Source: RFC 8446 4.1.2 and 5.1, RFC 6066 3.
 *
 * @returns undefined when this is no ClientHello, or none of its captured bytes name a server.
 */
export function readTlsServerName(view: DataView, start: number, end: number): string | undefined {
  // TLS record: type 1, version 2, length 2; handshake: type 1, length 3; version 2, random 32, session id length 1.
  if (end - start < 44) return undefined;
  if (view.getUint8(start) !== RECORD_HANDSHAKE || view.getUint8(start + 1) !== 3) return undefined;
  if (view.getUint8(start + 5) !== CLIENT_HELLO) return undefined;
  let at = start + 43;
  at += 1 + view.getUint8(at);
  if (end - at < 2) return undefined;
  at += 2 + view.getUint16(at); // cipher suites
  if (end - at < 1) return undefined;
  at += 1 + view.getUint8(at); // compression methods
  if (end - at < 2) return undefined;
  const extensionsEnd = Math.min(end, at + 2 + view.getUint16(at));
  at += 2;
  while (extensionsEnd - at >= 4) {
    const type = view.getUint16(at);
    const length = view.getUint16(at + 2);
    if (type === EXTENSION_SERVER_NAME) return serverName(view, at + 4, Math.min(extensionsEnd, at + 4 + length));
    at += 4 + length;
  }
  return undefined;
}

function serverName(view: DataView, start: number, end: number): string | undefined {
  // list length 2, name type 1, name length 2
  if (end - start < 5 || view.getUint8(start + 2) !== NAME_TYPE_HOST) return undefined;
  const length = view.getUint16(start + 3);
  if (length === 0 || length > MAX_HOST_NAME || end - (start + 5) < length) return undefined;
  NAME.length = 0;
  for (let i = 0; i < length; i++) NAME.push(view.getUint8(start + 5 + i));
  return NAME.toString();
}
