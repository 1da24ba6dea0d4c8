import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { auditMarkdown } from "../../../src/report/audit/index.js";
import { code, prose } from "../../../src/report/audit/markdown-text.js";
import { CLEAN, HOSTILE, HOSTILE_REPORT, INCONCLUSIVE, LEAK } from "./reports.js";

/** What is left when code spans are taken out, line by line: no span of leek's crosses a line. */
function outsideOfCode(markdown: string): string {
  return markdown
    .split("\n")
    .map((line) => line.replace(/`[^`]*`/g, ""))
    .join("\n");
}

describe("the audit's Markdown", () => {
  it("begins with the verdict", () => {
    expect(auditMarkdown(CLEAN, "1.2.3")).toMatch(/^## leek audit: clean\n\nCLEAN: /);
    expect(auditMarkdown(INCONCLUSIVE, "1.2.3")).toMatch(/^## leek audit: inconclusive\n\nINCONCLUSIVE: /);
  });

  it("has a table of findings, and the details of each", () => {
    const markdown = auditMarkdown(LEAK, "1.2.3");
    expect(markdown).toContain("| leak | `dns` | Names are looked up outside of Tor. | 2 | 4 | 400 |\n");
    expect(markdown).toContain("<details>\n<summary>leak: <code>dns</code></summary>\n\n`dns`: Names");
    expect(markdown).toContain("  - `udp 192.0.2.10 > [2001:db8::53]:53`\n");
    expect(markdown).toContain("  - a name that is looked up: `www.example.com`\n");
    expect(markdown).toContain("- Proof: packets 3, 4\n");
    expect(markdown.match(/^<details>$/gm)).toHaveLength(markdown.match(/^<\/details>$/gm)!.length);
  });

  it("lets nothing of a stranger be active: all of it is code, within one line", () => {
    const markdown = auditMarkdown(HOSTILE_REPORT, "1.2.3");
    expect(markdown).toContain("evil.example");
    const outside = outsideOfCode(markdown);
    expect(outside).not.toMatch(/evil|script|alert|torproject|#1|@|!\[|\]\(|https?:|www\.|`|&/);
    expect(outside.match(/<[^>]*>/g)!.filter((tag) => !/^<\/?(?:details|summary|code)>$/.test(tag))).toEqual([]);
    expect(markdown).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
  });

  it("keeps its tables whole: each row has the cells of its head", () => {
    let cells: number | undefined;
    for (const line of auditMarkdown(HOSTILE_REPORT, "1.2.3").split("\n")) {
      if (!line.startsWith("|")) cells = undefined;
      else {
        const own = line.split("|").length;
        expect(own, line).toBe(cells ?? own);
        cells = own;
      }
    }
  });
});

describe("Markdown's code", () => {
  it("is one span, whatever stands in it", () => {
    for (const text of [HOSTILE, "`", "``", "\\`", "a`b", "|", "\\|", " a ", "a\n\n"]) {
      expect(code(text)).toMatch(/^`[^`|\n]+`$/);
    }
    fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => /^`[^`|\n]+`$/.test(code(`x${text}`))));
    expect([code(""), code("  ")]).toEqual(["(blank)", "(blank)"]);
  });
});

describe("Markdown's prose", () => {
  it.each([
    ["Use --certs, or (dns=0).", "Use `--certs`, or (`dns=0`)."],
    ["tor@default.service", "`tor@default.service`"],
    ["See https://example.com/!", "See `https://example.com/`!"],
    ["IPv6, 12 packets; tor's own", "IPv6, 12 packets; tor's own"],
    ["GH-1 #1 deadbeef1 a_b_c *x* <b> &amp;", "`GH-1` `#1` `deadbeef1` `a_b_c` `*x*` `<b>` `&amp`;"],
    ["meta { icmp }", "meta { icmp }"],
  ])("of %s is %s", (text, expected) => expect(prose(text)).toBe(expected));

  it("leaves nothing but words, numbers and punctuation outside of code", () => {
    const inert = /^[A-Za-z\d '’"(),.:;!?{}-]*$/;
    fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => inert.test(outsideOfCode(prose(text)))));
  });
});
