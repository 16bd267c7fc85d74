import { defineConfig } from "sluice";

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
