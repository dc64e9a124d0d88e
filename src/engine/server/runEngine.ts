import { rm } from "node:fs/promises";
import type { MessageConnection } from "vscode-jsonrpc";
import { listen, newPipeName, removePipe } from "../../connection/pipe.ts";
import type { RunEvent } from "../../protocol/events.ts";
import { readEvents } from "../../runFolder/eventLog.ts";
import { runPaths, writeEngine } from "../../runFolder/folder.ts";
import { anyStop, Stop, type StopToken } from "../run/stop.ts";
import { answer, newQueue } from "./answer.ts";
import { startLiveness } from "./liveness.ts";

/** The pipes of an engine that works on a run: a window attaches to them, goes, and comes back. */
export interface RunEngine {
  readonly stop: StopToken;
  /**
   * Writes engine.json, and returns what takes it away. Both only while the run folder is locked, for the file might be
   * another engine's.
   */
  announce(): Promise<() => Promise<void>>;
  publish(event: RunEvent): void;
  close(): Promise<void>;
}

/** Opens the pipes of the engine that is going to work on the run of a folder. */
export async function openRunEngine(folder: string): Promise<RunEngine> {
  const paths = runPaths(folder);
  const liveness = await startLiveness(null);
  const asked = new Stop();
  const clients = new Set<MessageConnection>();
  const pipe = await newPipeName();
  const server = await listen(pipe, (connection) => {
    connection.onClose(() => clients.delete(connection));
    answer(
      connection,
      {
        // Nothing is awaited between reading and adding: no event is missed and none is told twice.
        async attach({ from }) {
          clients.add(connection);
          return readEvents(paths.events).filter(({ seq }) => seq >= from);
        },
        async stop({ keepBest }) {
          asked.request({ keepBest });
          return { folder: paths.folder, pid: process.pid, state: "running" };
        },
      },
      newQueue(),
    );
  });
  server.unref();
  return {
    stop: anyStop(asked, liveness.stop),
    async announce() {
      await writeEngine(folder, {
        pid: process.pid,
        pipe,
        liveness: liveness.pipe,
        started: new Date().toISOString(),
      });
      return () => rm(paths.engine, { force: true });
    },
    publish(event) {
      for (const client of clients) void client.sendNotification("event", event).catch(() => undefined);
    },
    async close() {
      for (const client of clients) client.end();
      server.close();
      await removePipe(pipe);
      await liveness.close();
    },
  };
}
