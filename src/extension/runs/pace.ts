/** Steps over which the pace is taken: two rounds of the usual probes, which cost as much as many steps. */
const span = 20;

/** How fast steps and answers come, from the times at which they came; holds the last few only. */
export class Pace {
  private readonly times: number[] = [];
  private secondsAStep: number | null = null;
  private suite = "";
  private firstAnswer = { done: 0, at: 0 };
  private secondsAnAnswer: number | null = null;

  /** @param at milliseconds. Probes and checkpoints between two steps are part of what a step takes. */
  step(at: number): void {
    this.times.push(at);
    if (this.times.length > span + 1) this.times.shift();
    const steps = this.times.length - 1;
    if (steps > 0) this.secondsAStep = (at - this.times[0]!) / 1000 / steps;
  }

  /** The next step does not follow the last one at once: a stage began, or the run went on after a rest. */
  pause(): void {
    this.times.length = 0;
    this.suite = "";
  }

  /** @param done answers given so far in a suite. @param at milliseconds. */
  answers(suite: string, done: number, at: number): void {
    if (suite !== this.suite) {
      this.suite = suite;
      this.firstAnswer = { done, at };
      return;
    }
    const given = done - this.firstAnswer.done;
    if (given > 0) this.secondsAnAnswer = (at - this.firstAnswer.at) / 1000 / given;
  }

  /** Seconds of a step, with what probes and checkpoints between steps take; null while none was timed. */
  get stepSeconds(): number | null {
    return this.secondsAStep;
  }

  /**
   * Seconds that so many steps and answers take; null while no step was timed. Answers that were never timed are left
   * out, since a run that evaluates only at its end tells nothing of it before.
   */
  seconds(steps: number, answers: number): number | null {
    if (steps > 0 && this.secondsAStep === null) return null;
    if (steps === 0 && answers > 0 && this.secondsAnAnswer === null) return null;
    return steps * (this.secondsAStep ?? 0) + answers * (this.secondsAnAnswer ?? 0);
  }
}
