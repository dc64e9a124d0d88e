import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { chmod, lstat, mkdtemp, rm } from "node:fs/promises";
import { connect, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createMessageConnection, type MessageConnection } from "vscode-jsonrpc";
import { SocketMessageReader, SocketMessageWriter } from "vscode-jsonrpc/node";
import { DiscernError } from "../protocol/errors.ts";

/** Longest path of a folder for temporary files in which a socket's name, of at most 103 bytes, has room. */
const longestFolder = 70;

/** A new name for a local pipe: a socket in a folder that only this user may enter, or a named pipe of Windows. */
export async function newPipeName(): Promise<string> {
  if (process.platform === "win32") return `\\\\.\\pipe\\discern-${randomUUID()}`;
  const folder = await mkdtemp(join(tmpdir().length > longestFolder ? "/tmp" : tmpdir(), "discern-"));
  await chmod(folder, 0o700);
  return join(folder, "engine.sock");
}

/**
 * Makes a pipe of this name ready to be listened on: a socket that a dead process left behind is taken away.
 *
 * @throws DiscernError `request-invalid` when somebody listens there, or a file of another kind has the name.
 */
export async function clearPipe(pipe: string): Promise<void> {
  if (process.platform === "win32") return;
  const there = await lstat(pipe).catch(() => null);
  if (there === null) return;
  const socket = there.isSocket() && connect(pipe);
  const taken =
    socket &&
    (await once(socket, "connect").then(
      () => true,
      () => false,
    ));
  if (socket) socket.destroy();
  if (!socket || taken) {
    const reason = taken ? "another engine listens there" : "it is a file";
    throw new DiscernError(
      "request-invalid",
      `The pipe ${pipe} cannot be used: ${reason}. Give another name.`,
    );
  }
  await rm(pipe);
}

/**
 * Listens on a pipe that no other user may speak on; every client gets a connection of its own, which `onClient` sets up
 * and which is then begun.
 *
 * @throws DiscernError `request-invalid` when no pipe can be made by this name.
 */
export async function listen(
  pipe: string,
  onClient: (connection: MessageConnection) => void,
): Promise<Server> {
  const server = createServer((socket) => {
    const connection = connectionOver(socket);
    onClient(connection);
    connection.listen();
  });
  try {
    await once(server.listen(pipe), "listening");
    if (process.platform !== "win32") await chmod(pipe, 0o600);
  } catch (cause) {
    const reason = (cause as NodeJS.ErrnoException).code;
    throw new DiscernError("request-invalid", `The pipe ${pipe} cannot be made (${reason}).`, { cause });
  }
  return server;
}

/** JSON-RPC over a socket, which is closed with the connection. */
export function connectionOver(socket: Socket): MessageConnection {
  // A client that dies in the middle of a message must not take the engine with it.
  socket.on("error", () => socket.destroy());
  const connection = createMessageConnection(
    new SocketMessageReader(socket),
    new SocketMessageWriter(socket),
  );
  connection.onError(() => socket.destroy());
  connection.onClose(() => connection.dispose());
  return connection;
}

/** Takes away the folder that {@link newPipeName} made. */
export async function removePipe(pipe: string): Promise<void> {
  if (process.platform !== "win32") await rm(dirname(pipe), { recursive: true, force: true });
}
