import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { TLSSocket } from "node:tls";
import { run } from "../support/leek.js";

/** A key and a certificate of itself. */
export interface Identity {
  readonly key: string;
  readonly cert: string;
}

/** @param subjects - `DNS:dir.example`, `IP:127.0.0.1`. */
export function makeIdentity(...subjects: readonly string[]): Identity {
  const folder = mkdtempSync(join(tmpdir(), "leek-tls-"));
  try {
    const [key, cert] = [join(folder, "key"), join(folder, "cert")];
    const { status, stderr } = run("openssl", [
      ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"],
      ...["-subj", "/CN=leek", "-days", "2", "-addext", `subjectAltName=${subjects.join(",")}`],
      ...["-keyout", key, "-out", cert],
    ]);
    if (status !== 0) throw new Error(stderr);
    return { key: readFileSync(key, "utf8"), cert: readFileSync(cert, "utf8") };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The server's side of TLS inside a connection of which the first bytes were read. */
export function serveTls(socket: Socket, first: Uint8Array, { key, cert }: Identity): TLSSocket {
  socket.pause();
  socket.removeAllListeners("data");
  if (first.length > 0) socket.unshift(first);
  const inside = new TLSSocket(socket, { isServer: true, key, cert });
  inside.on("error", () => {});
  inside.on("end", () => inside.destroy());
  inside.on("close", () => socket.destroy());
  return inside;
}
