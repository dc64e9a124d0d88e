/** Groups of things that grow by joining two of their things (disjoint sets). A thing that was never joined is a group by itself. */
export class JoinedGroups<Thing> {
  private readonly above = new Map<Thing, Thing>();

  /** The thing that stands for the group of a thing. */
  first(thing: Thing): Thing {
    let top = thing;
    for (let next = this.above.get(top); next !== undefined; next = this.above.get(top)) top = next;
    if (top !== thing) this.above.set(thing, top);
    return top;
  }

  /** Makes one group of those of two things; what stands for that of the former stands for both. */
  join(former: Thing, latter: Thing): void {
    const [a, b] = [this.first(former), this.first(latter)];
    if (a !== b) this.above.set(b, a);
  }
}
