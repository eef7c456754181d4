import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { escapeMarkdown, escapeMarkup, oneLine } from "./escape.ts";

describe("oneLine", () => {
  it.each([
    ["a terminal's control sequence", "a\u001B[2Jb", "a\uFFFD[2Jb"],
    ["line ends", "a\r\nb\nc", "a b c"],
    ["a bell", "a\u0007", "a\uFFFD"],
    ["a C1 control", "a\u009B31m", "a\uFFFD31m"],
    ["a change of the reading direction", "a\u202Eb", "a\uFFFDb"],
    ["half of a surrogate pair", "a\uD800b", "a\uFFFDb"],
    ["letters of any script", "ключ 鍵 🔑", "ключ 鍵 🔑"],
  ])("deals with %s", (_, text, expected) => {
    expect(oneLine(text)).toBe(expected);
  });
});

describe("escapeMarkup", () => {
  it("writes what would be markup as text", () => {
    expect(escapeMarkup(`<script>alert("a" & 'b')</script>`)).toBe("&lt;script&gt;alert(&quot;a&quot; &amp; &#39;b&#39;)&lt;/script&gt;");
  });

  it("lets nothing through that XML does not allow", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        const escaped = escapeMarkup(text);
        expect(escaped).toMatch(/^(?:[^<>"'&]|&(?:amp|lt|gt|quot|#39);)*$/u);
        expect(escaped).toMatch(/^[\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]*$/u);
      }),
    );
  });
});

describe("escapeMarkdown", () => {
  it.each([
    ["a cell's border", "a|b", "a\\|b"],
    ["HTML", "<img src=x>", "\\<img src=x\\>"],
    ["a link", "[a](b)", "\\[a\\](b)"],
    ["emphasis", "*a* _b_ `c` ~d~", "\\*a\\* \\_b\\_ \\`c\\` \\~d\\~"],
    ["an entity", "&lt;", "\\&lt;"],
    ["a backslash", "a\\|b", "a\\\\\\|b"],
    ["a new line with a heading", "a\n# b", "a \\# b"],
    ["a list", "- a", "\\- a"],
    ["a numbered list", "12. a", "12\\. a"],
    ["a number", "-1.5 ms", "-1.5 ms"],
    ["a rule", "---", "\\---"],
    ["a person and an address of mail", "@octocat, a@.b.test", "@&#8203;octocat, a@&#8203;.b.test"],
    ["a reference", "org/repo#12", "org/repo\\#&#8203;12"],
    ["addresses", "https://a.test www.a.test", "https\\://a.test www\\.a.test"],
  ])("writes %s as text", (_, text, expected) => {
    expect(escapeMarkdown(text)).toBe(expected);
  });
});
