import { defineConfig } from "../../../src/config-file/define-config.ts";

export default defineConfig({
    sources: [{ match: "c.csv", encoding: "utf-32le" }],
});
