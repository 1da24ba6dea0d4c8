/** What a TypeScript file says as code: its imports, and its text without comments and without the words of strings. */
export interface ModuleSource {
  /**
   * As long as the source, with comments, regular expressions and the insides of strings turned into spaces, so that
   * an index means the same in both. Code inside `${}` is kept.
   */
  readonly code: string;
  /** As written: `./tcp.js`, `node:fs`; static, re-exporting, type-only and dynamic ones alike. */
  readonly imports: readonly string[];
}

/** After one of these a slash begins a regular expression, after anything else it divides. */
const BEFORE_REGEX = /(?:^|[(,=:[!&|?{};+\-*%<>~^]|\b(?:return|typeof|case|in|of|do|else|void|delete|await|yield))$/;
const IMPORT = /(?:\bfrom\s*|\bimport\s*\(?\s*)(["'`])/g;

/**
 * Reads as much of TypeScript as finding imports takes. A real parser would know more, but TypeScript 7 brings none that
 * JavaScript could call.
 */
export function readModule(source: string): ModuleSource {
  const code = blankOutWords(source);
  const imports: string[] = [];
  for (const match of code.matchAll(IMPORT)) {
    const start = match.index + match[0].length;
    imports.push(source.slice(start, code.indexOf(match[1]!, start)));
  }
  return { code, imports };
}

function blankOutWords(source: string): string {
  let code = "";
  let position = 0;
  /** Number of open braces in each `${` that we are inside of, innermost last. */
  const templates: number[] = [];

  const blankUntil = (end: number): void => {
    code += source.slice(position, end).replace(/[^\n]/g, " ");
    position = end;
  };
  const keep = (): void => {
    code += source[position++];
  };
  const templateText = (): void => {
    let end = position;
    while (end < source.length && source[end] !== "`" && !source.startsWith("${", end)) {
      end += source[end] === "\\" ? 2 : 1;
    }
    blankUntil(Math.min(end, source.length));
    if (source.startsWith("${", position)) {
      keep();
      keep();
      templates.push(0);
    } else if (position < source.length) {
      keep();
    }
  };

  while (position < source.length) {
    const character = source[position];
    if (source.startsWith("//", position)) {
      blankUntil(endOf(source, "\n", position));
    } else if (source.startsWith("/*", position)) {
      blankUntil(Math.min(endOf(source, "*/", position + 2) + 2, source.length));
    } else if (character === '"' || character === "'") {
      keep();
      blankUntil(endOfString(source, position, character));
      if (position < source.length) keep();
    } else if (character === "`") {
      keep();
      templateText();
    } else if (character === "/" && BEFORE_REGEX.test(code.slice(-200).trimEnd())) {
      blankUntil(endOfRegex(source, position));
    } else if (character === "{" && templates.length > 0) {
      templates[templates.length - 1]!++;
      keep();
    } else if (character === "}" && templates.length > 0) {
      keep();
      if (templates.at(-1) === 0) {
        templates.pop();
        templateText();
      } else {
        templates[templates.length - 1]!--;
      }
    } else {
      keep();
    }
  }
  return code;
}

function endOf(source: string, mark: string, from: number): number {
  const end = source.indexOf(mark, from);
  return end === -1 ? source.length : end;
}

function endOfString(source: string, from: number, quote: string): number {
  let end = from;
  while (end < source.length && source[end] !== quote && source[end] !== "\n") end += source[end] === "\\" ? 2 : 1;
  return Math.min(end, source.length);
}

function endOfRegex(source: string, from: number): number {
  let end = from + 1;
  let inClass = false;
  while (end < source.length && source[end] !== "\n" && (inClass || source[end] !== "/")) {
    if (source[end] === "[") inClass = true;
    if (source[end] === "]") inClass = false;
    end += source[end] === "\\" ? 2 : 1;
  }
  return Math.min(end + 1, source.length);
}
