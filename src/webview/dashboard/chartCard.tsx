import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { Plot, plotPng, plotSvg, type View } from "../ui/chart.ts";
import type { FrameQueue } from "../ui/frameQueue.ts";
import { IconButton } from "../ui/iconButton.tsx";
import type { Palette } from "../ui/plotSpec.ts";
import { DataTable } from "./dataTable.tsx";
import { Legend } from "./legend.tsx";
import { toCsv } from "./model/table.ts";
import { printPalette } from "./palette.ts";
import type { PlotView } from "./plots/plotView.ts";

/** What all charts of the page share. */
export interface ChartFrame {
  readonly palette: Palette;
  readonly frames: FrameQueue;
  readonly hidden: ReadonlySet<string>;
  readonly toggle: (series: string) => void;
  readonly save: (name: string, format: "png" | "svg" | "csv", content: string) => void;
}

/** A chart with its name, legend, table and the ways to save it. */
export function ChartCard({
  view,
  frame,
  shape,
  onView,
  tools,
  children,
}: {
  view: PlotView;
  frame: ChartFrame;
  shape: "wide" | "square" | "small";
  /** Called when the person zooms or pans within the chart. */
  onView: (view: View) => void;
  /** Further buttons of this chart. */
  tools?: ComponentChildren;
  /** What stands below its caption. */
  children?: ComponentChildren;
}) {
  const { key, title, caption, legend, spec, summary, table } = view;
  const [tabled, setTabled] = useState(false);
  const savers = {
    png: () => plotPng(spec, printPalette),
    svg: () => plotSvg(spec, printPalette),
    csv: () => toCsv(table),
  };
  return (
    <section class={`card ${shape}`} aria-label={title}>
      <div class="card-head">
        <h3>{title}</h3>
        <div class="tools">
          {tools}
          <IconButton
            icon="table"
            name={`Table: ${title}`}
            pressed={tabled}
            press={() => setTabled(!tabled)}
          />
          {(["png", "svg", "csv"] as const).map((format) => (
            <button
              key={format}
              type="button"
              class="save"
              aria-label={`Save ${title} as ${format.toUpperCase()}`}
              title={format === "csv" ? "Save the data" : "Save in print colours"}
              onClick={() => frame.save(key, format, savers[format]())}
            >
              {format.toUpperCase()}
            </button>
          ))}
        </div>
      </div>
      {legend.length > 1 && <Legend series={legend} hidden={frame.hidden} toggle={frame.toggle} />}
      <Canvas view={view} frame={frame} onView={onView} label={summary} />
      <p class="caption">{caption}</p>
      {children}
      {tabled && <DataTable table={table} />}
    </section>
  );
}

/** The canvas of a chart, drawn when frames are free and only while it can be seen. */
function Canvas({
  view,
  frame,
  onView,
  label,
}: {
  view: PlotView;
  frame: ChartFrame;
  onView: (view: View) => void;
  label: string;
}) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const now = useRef({ view, frame, onView });
  now.current = { view, frame, onView };
  const plot = useRef<Plot | null>(null);
  const seen = useRef(true);
  const { spec } = view;
  const { palette, frames } = frame;

  useEffect(() => {
    const drawn = new Plot(canvas.current!, (looked) => now.current.onView(looked));
    plot.current = drawn;
    const observer = globalThis.IntersectionObserver
      ? new IntersectionObserver(([entry]) => {
          seen.current = entry!.isIntersecting;
          if (seen.current) request();
        })
      : null;
    const request = () =>
      frames.request(drawn, () => drawn.layOut(now.current.view.spec, now.current.frame.palette));
    observer?.observe(canvas.current!);
    return () => {
      observer?.disconnect();
      frames.cancel(drawn);
      drawn.destroy();
    };
  }, [frames]);

  useEffect(() => {
    const drawn = plot.current!;
    if (seen.current) frames.request(drawn, () => drawn.layOut(spec, palette));
  }, [spec, palette, frames]);

  return (
    <div class="plot">
      <canvas ref={canvas} role="img" aria-label={label} />
    </div>
  );
}
