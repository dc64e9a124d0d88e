/** Where the tokens of one or two texts stand side by side. */
export interface Alignment {
  /** Column of each token, ascending, for each text. */
  readonly columns: readonly (readonly number[])[];
  readonly count: number;
}

/**
 * Aligns two sequences: the tokens of a longest common subsequence share columns, and what lies between them stands side by side from
 * the left. One sequence has a column for each token.
 */
export function align(sequences: readonly (readonly number[])[]): Alignment {
  const [a = [], b] = sequences;
  if (b === undefined) return { columns: [[...a.keys()]], count: a.length };
  const columns: [number[], number[]] = [[], []];
  let [i, j, count] = [0, 0, 0];
  const fill = (toA: number, toB: number) => {
    const width = Math.max(toA - i, toB - j);
    for (let k = 0; i < toA; i++, k++) columns[0].push(count + k);
    for (let k = 0; j < toB; j++, k++) columns[1].push(count + k);
    count += width;
  };
  for (const [atA, atB] of commonSubsequence(a, b)) {
    fill(atA, atB);
    fill(atA + 1, atB + 1);
  }
  fill(a.length, b.length);
  return { columns, count };
}

/** Pairs of places of a longest common subsequence, in order. */
function commonSubsequence(a: readonly number[], b: readonly number[]): [number, number][] {
  // Length of the longest common subsequence of what is left from (i, j) on.
  const width = b.length + 1;
  const left = new Uint32Array((a.length + 1) * width);
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      left[i * width + j] =
        a[i] === b[j]
          ? left[(i + 1) * width + j + 1]! + 1
          : Math.max(left[(i + 1) * width + j]!, left[i * width + j + 1]!);
    }
  }
  const pairs: [number, number][] = [];
  for (let i = 0, j = 0; i < a.length && j < b.length; ) {
    if (a[i] === b[j]) pairs.push([i++, j++]);
    else if (left[(i + 1) * width + j]! >= left[i * width + j + 1]!) i++;
    else j++;
  }
  return pairs;
}
