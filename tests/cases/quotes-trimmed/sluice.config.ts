import { defineConfig } from "../../../src/config-file/define-config.ts";

export default defineConfig({
    sources: [
        { match: "*.csv", trimQuoted: true },
    ],
});
