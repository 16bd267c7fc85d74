#!/usr/bin/env bun
/** `bun run sql:render`: writes sql/rendered/, the merge of the built-in stream as its templates give it. */
import { join } from "node:path";
import { renderedFiles } from "../src/shop/rendered-files.ts";

for (const [path, text] of renderedFiles()) await Bun.write(join(import.meta.dir, "..", path), text);
