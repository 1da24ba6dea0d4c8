import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type AddressLine, AddressLines } from "../../src/cli/reading/address-lines.js";

function linesOf(chunks: readonly Buffer[]): AddressLine[] {
  const lines = new AddressLines();
  return [...chunks.flatMap((chunk) => [...lines.push(chunk)]), ...lines.finish()];
}

describe("AddressLines", () => {
  it("gives lines without their ends and blanks, numbered from 1", () => {
    expect(linesOf([Buffer.from(" 192.0.2.7 \r\n\n2001:db8::7")])).toEqual([
      { number: 1, text: "192.0.2.7" },
      { number: 2, text: "" },
      { number: 3, text: "2001:db8::7" },
    ]);
  });

  it("however the bytes are cut into pieces, the lines are the same, and what is too long is undefined", () => {
    const line = fc.oneof(fc.stringMatching(/^[ -~]{0,50}$/), fc.constantFrom("x".repeat(256), "x".repeat(257)));
    const sizes = fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1 });
    fc.assert(
      fc.property(fc.array(line), sizes, (texts, pieces) => {
        const bytes = Buffer.from(texts.map((text) => `${text}\n`).join(""));
        const chunks: Buffer[] = [];
        for (let at = 0, i = 0; at < bytes.length; i++) {
          const size = pieces[i % pieces.length]!;
          chunks.push(bytes.subarray(at, at + size));
          at += size;
        }
        expect(linesOf(chunks)).toEqual(
          texts.map((text, i) => ({ number: i + 1, text: text.length > 256 ? undefined : text.trim() })),
        );
      }),
    );
  });
});
