/** What is used of asciichart, which comes without types. */
declare module "asciichart" {
  export const red: string;
  export const blue: string;
  export const green: string;
  export function plot(
    series: readonly (readonly number[])[],
    options: { height: number; min: number; max: number; colors: readonly string[] },
  ): string;
}
