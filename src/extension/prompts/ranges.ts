/** Prompts below one node when a group is divided: few enough to look through. */
const USUAL = 200;
/** Children above which a node is divided in two. */
const MOST = 2 * USUAL;

/**
 * Numbers of prompts in ascending order, divided into ranges so that no node has more than 400 children: a B-tree without
 * its cleverness. Adding or removing a prompt touches one range, so a view need not be told of the others.
 */
export class Range {
  /** Unlike that of any other range below the same root, for as long as it lives. */
  readonly id: number;
  private above: Range | undefined;
  private members: Range[] | number[];
  private size: number;
  private readonly nextId: () => number;

  private constructor(children: Range[] | number[], nextId: () => number) {
    this.id = nextId();
    this.nextId = nextId;
    this.members = children;
    this.size = isInner(children) ? children.reduce((sum, range) => sum + range.count, 0) : children.length;
    this.adopt();
  }

  /** @param numbers ascending, each once */
  static of(numbers: readonly number[]): Range {
    let last = 0;
    const nextId = () => last++;
    if (numbers.length <= USUAL) return new Range([...numbers], nextId);
    let ranges = slices(numbers).map((slice) => new Range(slice, nextId));
    while (ranges.length > MOST) ranges = slices(ranges).map((slice) => new Range(slice, nextId));
    return new Range(ranges, nextId);
  }

  /** The range that this is part of. */
  get parent(): Range | undefined {
    return this.above;
  }

  /** Ranges or numbers, in ascending order. */
  get children(): readonly Range[] | readonly number[] {
    return this.members;
  }

  /** How many numbers are in it. */
  get count(): number {
    return this.size;
  }

  get first(): number | undefined {
    const child = this.members[0];
    return child instanceof Range ? child.first : child;
  }

  get last(): number | undefined {
    const child = this.members.at(-1);
    return child instanceof Range ? child.last : child;
  }

  /** All its numbers, ascending. */
  numbers(): number[] {
    return isInner(this.members) ? this.members.flatMap((range) => range.numbers()) : [...this.members];
  }

  /** The innermost range that has a number, or would have it. */
  leafOf(number: number): Range {
    if (!isInner(this.members)) return this;
    const after = this.members.findIndex((range) => range.first! > number);
    return this.members.at(after < 0 ? -1 : Math.max(0, after - 1))!.leafOf(number);
  }

  /** Adds a number that is not there, and returns the range whose children changed, the outermost if several did. */
  add(number: number): Range {
    const leaf = this.leafOf(number);
    const members = leaf.members as number[];
    members.splice(placeOf(members, number), 0, number);
    leaf.grow(1);
    return leaf.divide();
  }

  /** Takes out a number that is there, and returns the range whose children changed, the outermost if several did. */
  remove(number: number): Range {
    const leaf = this.leafOf(number);
    const members = leaf.members as number[];
    members.splice(placeOf(members, number), 1);
    leaf.grow(-1);
    return leaf.removeEmpty();
  }

  private grow(by: number): void {
    this.size += by;
    if (this.above) this.above.grow(by);
  }

  private adopt(): void {
    if (isInner(this.members)) for (const range of this.members) range.above = this;
  }

  private divide(): Range {
    if (this.members.length <= MOST) return this;
    const halves = [this.members.slice(0, USUAL), this.members.slice(USUAL)].map(
      (half) => new Range(half as Range[] | number[], this.nextId),
    );
    if (this.above === undefined) {
      this.members = halves;
      this.adopt();
      return this;
    }
    const siblings = this.above.members as Range[];
    siblings.splice(siblings.indexOf(this), 1, ...halves);
    this.above.adopt();
    return this.above.divide();
  }

  private removeEmpty(): Range {
    if (this.members.length > 0 || this.above === undefined) return this;
    const siblings = this.above.members as Range[];
    siblings.splice(siblings.indexOf(this), 1);
    return this.above.removeEmpty();
  }
}

function isInner(children: readonly Range[] | readonly number[]): children is readonly Range[] {
  return children[0] instanceof Range;
}

function slices<T>(items: readonly T[]): T[][] {
  const count = Math.ceil(items.length / USUAL);
  return Array.from({ length: count }, (_, i) => items.slice(i * USUAL, (i + 1) * USUAL));
}

/** Where a number stands in an ascending list, or belongs. */
function placeOf(numbers: readonly number[], number: number): number {
  let low = 0;
  let high = numbers.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (numbers[middle]! < number) low = middle + 1;
    else high = middle;
  }
  return low;
}
