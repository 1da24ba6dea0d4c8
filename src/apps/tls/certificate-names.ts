import { X509Certificate } from "node:crypto";

/** The names in a certificate. */
export interface CertificateNames {
  /** Common names; empty where there is none. */
  readonly subject: string;
  readonly issuer: string;
  /** DNS names among the subject's alternative names, at most 16. */
  readonly alternatives: readonly string[];
}

const CERTIFICATE = 11;
const DER_SEQUENCE = 0x30;
const MAX_ALTERNATIVES = 16;

/**
 * Reads the names of the first certificate, which is the sender's own, of a Certificate message of TLS 1.2 or before;
 * the others need not be there. `start` is at the handshake header.
 *
 * Source: RFC 5246 7.4.2.
 *
 * @returns undefined when this is none, or the certificate is not whole or not to be read.
 */
export function readCertificateNames(view: DataView, start: number, end: number): CertificateNames | undefined {
  // type 1, length 3, length of the list 3, length of the certificate 3
  if (end - start <= 10 || view.getUint8(start) !== CERTIFICATE) return undefined;
  const length = (view.getUint8(start + 7) << 16) | view.getUint16(start + 8);
  const at = start + 10;
  // Text in PEM would be read as well.
  if (length === 0 || end - at < length || view.getUint8(at) !== DER_SEQUENCE) return undefined;
  try {
    const certificate = new X509Certificate(Buffer.from(view.buffer, view.byteOffset + at, length));
    // Some names only fail when they are asked for.
    return {
      subject: commonName(certificate.subject),
      issuer: commonName(certificate.issuer),
      alternatives: alternatives(certificate.subjectAltName),
    };
  } catch {
    return undefined;
  }
}

/** Of lines `CN=NAME`. */
function commonName(lines: string | undefined): string {
  return /^CN=(.*)$/m.exec(lines ?? "")?.[1] ?? "";
}

/** Of `DNS:NAME, IP Address:ADDRESS, DNS:"STRANGE NAME"`: quoted ones are left out. */
function alternatives(text: string | undefined): string[] {
  const names: string[] = [];
  for (const item of (text ?? "").replace(/"(?:[^"\\]|\\.)*"/g, '"').split(", ")) {
    if (names.length === MAX_ALTERNATIVES) break;
    if (item.startsWith("DNS:") && !item.includes('"')) names.push(item.slice("DNS:".length));
  }
  return names;
}
