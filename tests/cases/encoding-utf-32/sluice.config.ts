import { defineConfig } from "../../../src/config/define-config.ts";

export default defineConfig({
    sources: [{ match: "c.csv", encoding: "utf-32le" }],
});
