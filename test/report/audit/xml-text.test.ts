import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { escapeXml } from "../../../src/report/audit/xml-text.js";

describe("text for XML", () => {
  it("escapes what is markup, and keeps line ends", () => {
    expect(escapeXml('<a b="c">&amp;\'\n]]>')).toBe("&lt;a b=&quot;c&quot;&gt;&amp;amp;&apos;\n]]&gt;");
  });

  it("shows what XML 1.0 cannot carry, even as a reference", () => {
    expect(escapeXml("\u0000\u001b\u007f\ufffe\uffff\ud800x\udc00")).toBe(
      "\\x00\\x1b\\x7f\\u{fffe}\\u{ffff}\\u{d800}x\\u{dc00}",
    );
    expect(escapeXml("\u{1f9c5} \u00fc")).toBe("\u{1f9c5} \u00fc");
  });

  it("has only characters of XML 1.0 (§2.2), whatever comes", () => {
    const units = fc.array(fc.nat(0xffff)).map((codes) => String.fromCharCode(...codes));
    fc.assert(
      fc.property(units, (text) => {
        expect(escapeXml(text)).toMatch(/^[\n\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]*$/u);
        expect(escapeXml(text)).not.toMatch(/[<>"']|&(?!(?:amp|lt|gt|quot|apos);)/);
      }),
    );
  });
});
