const NAMES: ReadonlyMap<number, string> = new Map([
  [0x0300, "SSL 3.0"],
  [0x0301, "TLS 1.0"],
  [0x0302, "TLS 1.1"],
  [0x0303, "TLS 1.2"],
  [0x0304, "TLS 1.3"],
  [0xfeff, "DTLS 1.0"],
  [0xfefd, "DTLS 1.2"],
  [0xfefc, "DTLS 1.3"],
]);

/** `TLS 1.3` of 0x0304; `0x7f1c` where the number is none that is known. */
export function versionName(version: number): string {
  return NAMES.get(version) ?? `0x${version.toString(16).padStart(4, "0")}`;
}
