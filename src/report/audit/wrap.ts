const WIDTH = 100;

/**
 * Words in lines of at most WIDTH, but for longer words; the first after `prefix`, the others after `indent` blanks. Where a
 * stranger's text may be among them, these are more than what any line of leek's begins with there: so none can be faked.
 */
export function wrapped(prefix: string, text: string, indent: number): string[] {
  const lines: string[] = [];
  let line = prefix;
  let isEmpty = true;
  for (const word of text.split(" ")) {
    if (!isEmpty && line.length + word.length + 1 > WIDTH) {
      lines.push(line);
      line = " ".repeat(indent);
      isEmpty = true;
    }
    line += isEmpty ? word : ` ${word}`;
    isEmpty = false;
  }
  lines.push(line);
  return lines;
}
