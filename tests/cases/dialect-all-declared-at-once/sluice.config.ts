import { defineConfig } from "../../../src/config/define-config.ts";

export default defineConfig({
    sources: [
        {
            match: "*.csv",
            quote: "'",
            escape: "\\",
            comment: "#",
            encoding: "windows-1252",
        },
    ],
});
