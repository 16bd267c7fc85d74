/** A user of the embedded server in a process of its own: `bun embedded-user.ts <dataDir>`. Leaves when stdin ends. */
import { acquireEmbeddedServer } from "../../src/database/embedded-server.ts";

const server = await acquireEmbeddedServer({ dataDir: process.argv[2]!, log: () => {} });
process.stdout.write(`${JSON.stringify({ url: server.target.url })}\n`);
for await (const _ of process.stdin);
await server.release();
