import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { commandOf } from "../../../src/apps/bitcoin/message-header.js";
import { message } from "./messages.js";

const textOf = (header: Uint8Array) => commandOf(new DataView(header.buffer, header.byteOffset), 0);

describe("the text of a command", () => {
  it("is that of its bytes, whichever were met before", () => {
    // Twelve characters: first and last four may change places.
    const words = fc.constantFrom("ping", "pong", "addr", "v2", "", "inv");
    fc.assert(
      fc.property(fc.array(fc.tuple(words, words, words), { maxLength: 20 }), (commands) => {
        for (const parts of commands) {
          const command = parts.join("");
          expect(textOf(message(command))).toBe(command === "" ? undefined : command);
        }
      }),
    );
  });

  it.each(["abcdef\0h", "tab\there", "caf\xe9"])("is none of %j", (command) => {
    expect(textOf(message(command))).toBeUndefined();
  });

  it("is bounded in what it remembers, and still right", () => {
    for (let i = 0; i < 1_000; i++) expect(textOf(message(`made-up-${i}`))).toBe(`made-up-${i}`);
    expect(textOf(message("ping"))).toBe("ping");
  });
});
