import { randomUUID } from "node:crypto";
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createMessageConnection, type MessageConnection } from "vscode-jsonrpc";
import { SocketMessageReader, SocketMessageWriter } from "vscode-jsonrpc/node";

/** A new name for a local pipe: a socket in a folder that only this user may enter, or a named pipe of Windows. */
export async function newPipeName(): Promise<string> {
  if (process.platform === "win32") return `\\\\.\\pipe\\discern-${randomUUID()}`;
  const folder = await mkdtemp(join(tmpdir(), "discern-"));
  await chmod(folder, 0o700);
  return join(folder, "engine.sock");
}

/** Listens on a pipe; every client gets a connection of its own, which `onClient` sets up and which is then begun. */
export async function listen(
  pipe: string,
  onClient: (connection: MessageConnection) => void,
): Promise<Server> {
  const server = createServer((socket) => {
    const connection = connectionOver(socket);
    onClient(connection);
    connection.listen();
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject).listen(pipe, resolve);
  });
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
