/** `bun tests/streams/write-types.ts`: puts the table of the types into docs/types.md. */
import { join } from "node:path";
import { renderTypes } from "./documented-types.ts";

const path = join(import.meta.dir, "../../docs/types.md");
const text = await Bun.file(path).text();
await Bun.write(path, text.replace(/\| type \|[\s\S]*?\n(?=\n)/, `${renderTypes()}\n`));
