const special: Readonly<Record<string, string>> = {
  "\\": "\\textbackslash{}",
  "{": "\\{",
  "}": "\\}",
  $: "\\$",
  "&": "\\&",
  "#": "\\#",
  "%": "\\%",
  _: "\\_",
  "^": "\\textasciicircum{}",
  "~": "\\textasciitilde{}",
  "<": "\\textless{}",
  ">": "\\textgreater{}",
  "|": "\\textbar{}",
  '"': "''",
  "→": "$\\rightarrow$",
  "←": "$\\leftarrow$",
  "−": "$-$",
  "–": "--",
  "—": "---",
  "×": "$\\times$",
  "≤": "$\\leq$",
  "≥": "$\\geq$",
  β: "$\\beta$",
  ρ: "$\\rho$",
  ℓ: "$\\ell$",
};

/**
 * A text as LaTeX shows it. Names come from files: nothing in them is a command, a comment or the end of a row. Symbols that pdfLaTeX
 * does not know become a question mark; letters of all scripts stay.
 */
export function latexText(text: string): string {
  return [...oneLine(text)]
    .map((letter) => special[letter] ?? (/[\x20-\x7e\p{L}\p{M}\p{N}’‘“”…]/u.test(letter) ? letter : "?"))
    .join("");
}

/** White space and control characters as single blanks. */
export function oneLine(text: string): string {
  return text.replace(/[\s\p{C}]+/gu, " ").trim();
}
