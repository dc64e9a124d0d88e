/** What is being checked and started: a second press meanwhile, when nothing is seen of a run yet, starts no second one. */
export class UnderWay {
  private readonly keys = new Set<string>();

  /** Does something, unless the same is being done. @param key what it is about @throws what the work throws. */
  async once(key: string, work: () => Promise<void>): Promise<void> {
    if (this.keys.has(key)) return;
    this.keys.add(key);
    try {
      await work();
    } finally {
      this.keys.delete(key);
    }
  }
}
