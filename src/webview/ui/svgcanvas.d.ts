/** The part of svgcanvas that is used; the package carries no types. */
declare module "svgcanvas" {
  /** A drawing context that records what is drawn as SVG. */
  export class Context {
    constructor(width: number, height: number);
    /** The recorded picture as an SVG document. */
    getSerializedSvg(): string;
  }
}
