import { describe, expect, it } from "vitest";
import { parseAddress } from "../../src/net/index.js";
import { exitAt, parseConsensus, RelayDirectory } from "../../src/relays/index.js";
import { FIRST_FINGERPRINT, microdesc, ns, TEN, VALID_UNTIL } from "./documents.js";

const DAY = 86_400;

const at = (directory: RelayDirectory, address: string, seconds: number) =>
  exitAt(directory, parseAddress(address)!, seconds);

describe.each([
  ["microdesc", microdesc()],
  ["ns", ns()],
])("an exit, by a consensus of flavor %s", (_, text) => {
  const directory = new RelayDirectory({ documents: [parseConsensus(Buffer.from(text, "latin1"), "a document")] });

  it("is a relay with the flag, at either of its addresses", () => {
    for (const address of ["192.0.2.7", "2001:db8::7"]) {
      expect(at(directory, address, TEN)).toEqual({ fingerprint: FIRST_FINGERPRINT, nickname: "first" });
    }
  });

  it("is no relay without it, and no neighbour", () => {
    for (const address of ["198.51.100.200", "192.0.2.8", "2001:db8::8"]) {
      expect(at(directory, address, TEN)).toBeUndefined();
    }
  });

  it("is known for as long as the document reaches", () => {
    expect(at(directory, "192.0.2.7", VALID_UNTIL + DAY - 1)).toBeDefined();
    expect(at(directory, "192.0.2.7", VALID_UNTIL + DAY + 1)).toBeUndefined();
    expect(at(directory, "192.0.2.7", TEN - 2 * DAY)).toBeUndefined();
  });
});
